"""Cases of `operators/pooling.py`."""

import numpy as np

from tests.gradients.torch_bridge.cases.case import Case, Draws, integers

_draw = Draws(5)
_x = _draw.distinct(2, 3, 8, 7)


def _max(opset: int = 21, outputs: int = 1, **attributes: object) -> Case:
    return Case("MaxPool", [_x], opset, outputs=outputs, by_runtime=True, attributes=attributes)


def _average(opset: int = 21, **attributes: object) -> Case:
    return Case("AveragePool", [_x], opset, by_runtime=True, attributes=attributes)


CASES = [
    _max(kernel_shape=[3, 3], strides=[2, 2]),
    _max(kernel_shape=[3, 3], strides=[2, 2], pads=[1, 1, 1, 1], opset=7),
    _max(kernel_shape=[3, 2], strides=[2, 2], ceil_mode=1),
    _max(kernel_shape=[3, 3], strides=[2, 2], pads=[1, 1, 1, 1], ceil_mode=1),
    _max(kernel_shape=[3, 3], strides=[2, 2], pads=[0, 0, 1, 1], ceil_mode=1),
    _max(kernel_shape=[3, 3], strides=[4, 4], pads=[0, 0, 2, 2], ceil_mode=1),
    _max(kernel_shape=[2, 2], strides=[4, 4], pads=[0, 0, 1, 1]),
    _max(kernel_shape=[2, 2], strides=[2, 2], auto_pad="SAME_UPPER"),
    _max(kernel_shape=[3, 3], strides=[2, 2], auto_pad="SAME_LOWER"),
    _max(kernel_shape=[3, 3], dilations=[2, 2]),
    _max(kernel_shape=[2, 2], strides=[2, 2], outputs=2),
    _max(kernel_shape=[3, 3], pads=[2, 2, 1, 1], outputs=2),
    _max(kernel_shape=[2, 2], strides=[2, 2], outputs=2, storage_order=1),
    Case("MaxPool", [_draw.distinct(1, 2, 9)], by_runtime=True, attributes={"kernel_shape": [3], "strides": [2]}),
    Case("MaxPool", [_draw.distinct(1, 2, 5, 6, 5)], by_runtime=True, attributes={"kernel_shape": [2, 3, 2]}),
    Case(
        "MaxPool",
        [_draw.whole(1, 2, 6, 6, low=0, dtype=np.uint8)],
        attributes={"kernel_shape": [2, 2]},
        differentiable=False,
    ),
    _average(kernel_shape=[3, 3], strides=[2, 2]),
    _average(kernel_shape=[3, 3], strides=[2, 2], pads=[1, 1, 1, 1], opset=7),
    _average(kernel_shape=[3, 3], strides=[2, 2], pads=[1, 1, 1, 1], count_include_pad=1),
    _average(kernel_shape=[3, 3], strides=[2, 2], pads=[0, 1, 1, 0]),
    _average(kernel_shape=[3, 3], strides=[2, 2], pads=[0, 1, 1, 0], count_include_pad=1, ceil_mode=1),
    _average(kernel_shape=[3, 3], strides=[2, 2], ceil_mode=1),
    _average(kernel_shape=[3, 3], strides=[2, 2], pads=[1, 1, 1, 1], ceil_mode=1, count_include_pad=1),
    _average(kernel_shape=[3, 3], strides=[4, 4], pads=[0, 0, 2, 2], ceil_mode=1),
    _average(kernel_shape=[2, 2], auto_pad="SAME_UPPER"),
    _average(kernel_shape=[2, 2], auto_pad="SAME_LOWER", strides=[2, 2]),
    _average(kernel_shape=[2, 2], dilations=[2, 3]),
    Case("AveragePool", [_draw.real(1, 2, 9)], by_runtime=True, attributes={"kernel_shape": [4], "pads": [1, 2]}),
    Case("GlobalAveragePool", [_x]),
    Case("GlobalMaxPool", [_x]),
    Case("GlobalLpPool", [_x], by_runtime=True),
    Case("GlobalLpPool", [_x], by_runtime=True, attributes={"p": 3}),
    Case("LpPool", [_x], by_runtime=True, attributes={"kernel_shape": [3, 3], "p": 3, "pads": [1, 1, 1, 1]}),
    Case("LpPool", [_x], by_runtime=True, attributes={"kernel_shape": [2, 2], "strides": [2, 2]}),
    Case("LpPool", [_x], by_runtime=True, attributes={"kernel_shape": [2, 2], "dilations": [2, 2]}),
    Case(
        "MaxUnpool",
        [_draw.real(1, 1, 2, 2), np.array([[[[5, 7], [13, 15]]]])],
        constants=(1,),
        attributes={"kernel_shape": [2, 2], "strides": [2, 2]},
    ),
    Case(
        "MaxUnpool",
        [_draw.real(1, 1, 2, 2), np.array([[[[6, 8], [16, 18]]]]), integers(1, 1, 5, 5)],
        constants=(1, 2),
        attributes={"kernel_shape": [2, 2], "strides": [2, 2]},
        by_runtime=True,
    ),
]
