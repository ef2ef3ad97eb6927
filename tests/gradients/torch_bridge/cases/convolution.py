"""Cases of `operators/convolution.py`."""

from tests.gradients.torch_bridge.cases.case import Case, Draws, integers

_draw = Draws(4)
_x = _draw.real(2, 4, 7, 6)
_w = _draw.real(3, 4, 3, 3)
_b = _draw.real(3)
_wt = _draw.real(4, 3, 3, 3)


def _conv(*inputs: object, **attributes: object) -> Case:
    arrays = [_x, _w, *inputs] if not inputs or inputs[0] is _b else list(inputs)
    return Case("Conv", arrays, attributes=attributes)  # type: ignore[arg-type]


def _transposed(**attributes: object) -> Case:
    return Case("ConvTranspose", [_x, _wt, _b], by_runtime=True, attributes=attributes)


CASES = [
    _conv(),
    _conv(_b, pads=[1, 1, 1, 1]),
    _conv(_b, pads=[0, 1, 2, 0], strides=[2, 1]),
    _conv(_b, dilations=[2, 1]),
    _conv(_b, auto_pad="SAME_UPPER", strides=[2, 2]),
    _conv(_b, auto_pad="SAME_LOWER", strides=[2, 2]),
    _conv(_b, auto_pad="VALID"),
    _conv(_x, _draw.real(4, 1, 3, 3), group=4, pads=[1, 1, 1, 1]),
    _conv(_draw.real(1, 2, 9), _draw.real(3, 2, 4), auto_pad="SAME_UPPER"),
    _conv(_draw.real(1, 2, 5, 4, 6), _draw.real(3, 2, 3, 2, 3), pads=[1, 0, 1, 1, 0, 1]),
    Case("Conv", [_x, _w, _b], opset=7, constants=(1, 2), by_runtime=True),
    _transposed(),
    _transposed(strides=[2, 2], pads=[1, 1, 1, 1], output_padding=[1, 1]),
    _transposed(strides=[2, 2], pads=[0, 1, 1, 0]),
    _transposed(strides=[3, 2], output_padding=[2, 1], pads=[2, 0, 0, 1]),
    _transposed(strides=[2, 2], auto_pad="SAME_UPPER"),
    _transposed(strides=[2, 2], auto_pad="SAME_LOWER"),
    _transposed(auto_pad="VALID", dilations=[2, 1]),
    _transposed(strides=[2, 2], output_shape=[14, 13]),
    _transposed(strides=[2, 2], output_shape=[14, 13], auto_pad="SAME_UPPER"),
    Case("ConvTranspose", [_x, _draw.real(4, 2, 2, 2)], by_runtime=True, attributes={"group": 2, "strides": [2, 2]}),
    Case("ConvTranspose", [_draw.real(1, 2, 5), _draw.real(2, 3, 3)], by_runtime=True, attributes={"pads": [1, 0]}),
    Case("ConvTranspose", [_draw.real(1, 2, 3, 3, 3), _draw.real(2, 1, 2, 2, 2)], attributes={"strides": [2, 2, 2]}),
    Case("Col2Im", [_draw.real(1, 8, 12), integers(4, 5), integers(2, 2)], constants=(1, 2)),
    Case(
        "Col2Im",
        [_draw.real(1, 8, 20), integers(4, 5), integers(2, 2)],
        constants=(1, 2),
        attributes={"pads": [1, 0, 0, 1]},
    ),
    Case(
        "Col2Im",
        [_draw.real(1, 8, 6), integers(5, 6), integers(2, 2)],
        constants=(1, 2),
        attributes={"strides": [2, 2]},
    ),
]
