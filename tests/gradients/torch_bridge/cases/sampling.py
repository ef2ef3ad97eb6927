"""Cases of `operators/sampling.py`."""

from itertools import product

from tests.gradients.torch_bridge.cases.case import Case, Draws, integers

_draw = Draws(12)
_x = _draw.real(1, 2, 5, 6)
_grid = _draw.real(1, 3, 4, 2, low=-1.3, high=1.3)
_volume, _volume_grid = _draw.real(1, 2, 3, 4, 5), _draw.real(1, 2, 3, 2, 3, low=-1.2, high=1.2)
_w, _b = _draw.real(4, 2, 3, 3), _draw.real(4)
_offset, _mask = _draw.real(1, 18, 3, 4, low=-0.9, high=0.9), _draw.real(1, 9, 3, 4)
_grouped = [_draw.real(1, 4, 5, 6), _draw.real(4, 2, 2, 2), _draw.real(1, 16, 4, 5), None, _draw.real(1, 8, 4, 5)]


def _sample(mode: str, padding: str, aligned: int) -> Case:
    """Opset 16 in ONNX Runtime; nearest has kinks that a step may cross, so only its forward is compared."""
    attributes = {"mode": mode, "padding_mode": padding, "align_corners": aligned}
    smooth = mode == "bilinear" and padding == "zeros"
    return Case(
        "GridSample", [_x, _grid], 16, by_runtime=True, attributes=attributes, differentiable=smooth and bool(aligned)
    )


CASES = [
    *(
        _sample(mode, padding, aligned)
        for mode, padding, aligned in product(
            ("bilinear", "nearest", "bicubic"), ("zeros", "border", "reflection"), (0, 1)
        )
    ),
    Case("GridSample", [_x, _grid], 20, by_runtime=True, attributes={"mode": "cubic"}, constants=(1,)),
    Case("GridSample", [_x, _grid], 20, by_runtime=True, constants=(1,)),
    Case("GridSample", [_volume, _volume_grid], 20, by_runtime=True, constants=(1,)),
    Case("AffineGrid", [_draw.real(1, 2, 3), integers(1, 3, 4, 5)], constants=(1,), single=True),
    Case(
        "AffineGrid",
        [_draw.real(1, 3, 4), integers(1, 3, 4, 5, 2)],
        constants=(1,),
        single=True,
        attributes={"align_corners": 1},
    ),
    Case("DeformConv", [_x, _w, _offset], single=True),
    Case("DeformConv", [_x, _w, _offset, _b, _mask], single=True),
    Case("DeformConv", _grouped, single=True, attributes={"group": 2, "offset_group": 2}),
    Case(
        "DeformConv",
        [_x, _w, _draw.real(1, 18, 3, 3, low=-0.4, high=0.4)],
        single=True,
        attributes={"strides": [2, 2], "pads": [1, 1, 1, 1], "dilations": [1, 1]},
    ),
]
