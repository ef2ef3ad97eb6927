"""Cases of `operators/resize.py`. ONNX Runtime is the oracle: ONNX's reference differs from it in corner cases.

A step of the linear map along a direction is exact, so the gradient is compared everywhere.
"""

from collections.abc import Iterator

import numpy as np

from tests.gradients.torch_bridge.cases.case import Case, Draws, integers

_draw = Draws(14)
_x = _draw.real(1, 2, 7, 9)
_nothing = np.zeros(0, dtype=np.float32)
_inner_crop = np.array([0, 0, 0.1, 0.2, 1, 1, 0.8, 0.9], dtype=np.float32)
_outer_crop = np.array([0, 0, -0.1, 0.2, 1, 1, 0.8, 1.3], dtype=np.float32)
_SCALES = ((1, 1, 2, 3), (1, 1, 0.5, 0.6), (1, 1, 1.7, 1.3))
_SIZES = ((1, 2, 15, 20), (1, 2, 4, 5), (1, 2, 1, 1))
_COORDINATES = ("half_pixel", "pytorch_half_pixel", "asymmetric", "align_corners", "half_pixel_symmetric")


def _by_scales(opset: int, scales: tuple[float, ...], **attributes: object) -> Case:
    factors = np.array(scales, dtype=np.float32)
    return Case("Resize", [_x, _nothing, factors], opset, constants=(1, 2), by_runtime=True, attributes=attributes)


def _by_sizes(opset: int, sizes: tuple[int, ...], **attributes: object) -> Case:
    inputs = [_x, _nothing, _nothing, integers(*sizes)]
    return Case("Resize", inputs, opset, constants=(1, 2, 3), by_runtime=True, attributes=attributes)


def _all_rules() -> Iterator[Case]:
    for coordinates in _COORDINATES:
        opset = 19 if coordinates == "half_pixel_symmetric" else 13
        for mode in ("linear", "cubic"):
            rule = {"mode": mode, "coordinate_transformation_mode": coordinates}
            yield from (_by_scales(opset, scales, **rule) for scales in _SCALES)
            yield from (_by_sizes(opset, sizes, **rule) for sizes in _SIZES)
        for nearest in ("round_prefer_floor", "round_prefer_ceil", "floor", "ceil"):
            rule = {"mode": "nearest", "coordinate_transformation_mode": coordinates, "nearest_mode": nearest}
            yield from (_by_scales(opset, scales, **rule) for scales in _SCALES[:2])
            yield _by_sizes(opset, _SIZES[0], **rule)


def _crops() -> Iterator[Case]:
    for mode in ("nearest", "linear"):
        rule = {"mode": mode, "coordinate_transformation_mode": "tf_crop_and_resize", "extrapolation_value": 0.5}
        for corners in (_inner_crop, _outer_crop):
            inputs = [_x, corners, _nothing, integers(1, 2, 5, 6)]
            yield Case("Resize", inputs, 13, constants=(1, 2, 3), by_runtime=True, attributes=rule)
    single = [_x, _inner_crop, _nothing, integers(1, 2, 1, 1)]
    yield Case("Resize", single, 13, constants=(1, 2, 3), by_runtime=True, attributes={**rule, "mode": "linear"})


def _upsample(opset: int, mode: str) -> Case:
    factors = np.array([1, 1, 2, 3], dtype=np.float32)
    if opset < 9:
        return Case("Upsample", [_x], opset, by_runtime=True, attributes={"mode": mode, "scales": [1.0, 1.0, 2.0, 3.0]})
    return Case("Upsample", [_x, factors], opset, constants=(1,), by_runtime=True, attributes={"mode": mode})


_shrunk = np.array([1, 1, 0.5, 0.6], dtype=np.float32)
_volume_scales = np.array([1, 1, 2, 2, 0.5], dtype=np.float32)

CASES = [
    *_all_rules(),
    *_crops(),
    *(_upsample(opset, mode) for opset in (7, 9) for mode in ("nearest", "linear")),
    Case("Resize", [_x, np.array([1, 1, 2, 1.5], dtype=np.float32)], 10, constants=(1,), by_runtime=True),
    Case("Resize", [_x, _shrunk], 10, constants=(1,), by_runtime=True, attributes={"mode": "linear"}),
    _by_scales(11, _SCALES[1], mode="nearest", coordinate_transformation_mode="tf_half_pixel_for_nn"),
    _by_scales(11, (1, 1, 1, 1), mode="linear"),
    _by_sizes(13, (1, 2, 15, 20), mode="cubic", cubic_coeff_a=-0.5),
    _by_sizes(13, (1, 2, 4, 5), mode="cubic", exclude_outside=1),
    _by_sizes(18, (1, 2, 4, 5), mode="linear", antialias=1),
    _by_sizes(18, (1, 2, 4, 5), mode="cubic", antialias=1),
    _by_sizes(18, (1, 2, 15, 4), mode="linear", antialias=1),
    _by_sizes(18, (15, 12), mode="linear", axes=[2, 3], keep_aspect_ratio_policy="not_larger"),
    _by_sizes(18, (15, 12), mode="linear", axes=[3, 2], keep_aspect_ratio_policy="not_smaller"),
    Case(
        "Resize",
        [_draw.real(1, 2, 3, 4, 6), None, _volume_scales],
        13,
        constants=(2,),
        by_runtime=True,
        attributes={"mode": "linear"},
    ),
    Case(
        "Resize",
        [_draw.real(1, 2, 3, 4, 6), None, _volume_scales],
        13,
        constants=(2,),
        by_runtime=True,
        attributes={"mode": "linear", "coordinate_transformation_mode": "asymmetric"},
    ),
    Case(
        "Resize",
        [_draw.real(5, 6), None, np.array([2, 2], dtype=np.float32)],
        13,
        constants=(2,),
        by_runtime=True,
        attributes={"mode": "linear"},
    ),
]
