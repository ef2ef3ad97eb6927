"""Cases of `operators/quantisation.py`: forward only, the difference of a rounded function is no gradient."""

from dataclasses import replace

import numpy as np
from onnx import TensorProto

from tests.gradients.torch_bridge.cases.case import Array, Case, Draws

_draw = Draws(13)
_x = _draw.real(2, 3, 4).astype(np.float32)
_image = _draw.whole(1, 2, 5, 5, low=0, high=255, dtype=np.uint8)
# Seven bits: processors without VNNI instructions saturate sums of two products of eight bits.
_kernel = _draw.whole(3, 2, 3, 3, low=-63, high=63, dtype=np.int8)
_left, _right = _draw.whole(3, 4, low=0, high=255, dtype=np.uint8), _draw.whole(4, 2, low=0, high=255, dtype=np.uint8)


def _scale(*values: float) -> Array:
    return np.array(values[0] if len(values) == 1 else values, dtype=np.float32)


def _byte(*values: int) -> Array:
    return np.array(values[0] if len(values) == 1 else values, dtype=np.uint8)


def _signed(*values: int) -> Array:
    return np.array(values[0] if len(values) == 1 else values, dtype=np.int8)


_plain = [
    Case("QuantizeLinear", [_x, _scale(0.01), _byte(120)]),
    Case("QuantizeLinear", [_x, _scale(0.01)], opset=10, by_runtime=True),
    Case("QuantizeLinear", [_x, _scale(0.01, 0.02, 0.03), _signed(1, -2, 3)]),
    Case(
        "QuantizeLinear", [_x, _scale(0.01, 0.02, 0.03, 0.1)], attributes={"axis": 2, "output_dtype": TensorProto.INT16}
    ),
    Case(
        "QuantizeLinear",
        [_x, _draw.real(2, 3, 2, low=0.01, high=0.1).astype(np.float32)],
        attributes={"axis": 2, "block_size": 2},
    ),
    Case("QuantizeLinear", [_x, _scale(0.1), np.array(2, dtype=np.int16)], constants=(1, 2)),
    Case("DequantizeLinear", [_left, _scale(0.1), _byte(3)]),
    Case("DequantizeLinear", [_left, _scale(0.1)], opset=10, by_runtime=True),
    Case("DequantizeLinear", [_left, _scale(0.1, 0.2, 0.3), _byte(3, 0, 200)], attributes={"axis": 0}),
    Case("DequantizeLinear", [_left, _draw.real(3, 2).astype(np.float32)], attributes={"axis": 1, "block_size": 2}),
    Case("DynamicQuantizeLinear", [_x], outputs=3),
    Case("DynamicQuantizeLinear", [_x * 0], outputs=3, by_runtime=True),
    Case(
        "ConvInteger", [_image, _kernel.astype(np.uint8), _byte(3)], by_runtime=True, attributes={"pads": [1, 1, 1, 1]}
    ),
    Case("ConvInteger", [_image, _kernel.astype(np.uint8), _byte(3), _byte(5)], by_runtime=True),
    Case("MatMulInteger", [_left, _right], by_runtime=True),
    Case("MatMulInteger", [_left, _right, _byte(3), _byte(5, 6)], by_runtime=True),
    Case("MatMulInteger", [_left, _right, _byte(3, 4, 5)[:, None], _byte(5)]),
    Case(
        "QLinearConv",
        [_image, _scale(0.01), _byte(100), _kernel, _scale(0.02), _signed(3), _scale(0.3), _byte(90)],
        by_runtime=True,
    ),
    Case(
        "QLinearConv",
        [
            _image,
            _scale(0.01),
            _byte(100),
            _kernel,
            _scale(0.02, 0.01, 0.03),
            _signed(0, 0, 0),
            _scale(0.3),
            _byte(90),
            np.array([5, -9, 80], dtype=np.int32),
        ],
        by_runtime=True,
        attributes={"pads": [1, 1, 1, 1], "strides": [2, 2]},
    ),
    Case(
        "QLinearMatMul",
        [_left, _scale(0.01), _byte(100), _right, _scale(0.02), _byte(90), _scale(0.1), _byte(110)],
        by_runtime=True,
    ),
    Case(
        "QLinearMatMul",
        [
            _left,
            _scale(0.01, 0.02, 0.03)[:, None],
            _byte(100, 90, 80)[:, None],
            _right,
            _scale(0.02, 0.01),
            _byte(90, 80),
            _scale(0.1),
            _byte(110),
        ],
    ),
    Case("DequantizeLinear", [_left, _scale(0.1), _byte(3)], 1, "com.microsoft", by_runtime=True),
    Case("QuantizeLinear", [_x, _scale(0.01), _byte(120)], 1, "com.microsoft", by_runtime=True),
]

CASES = [replace(case, differentiable=False) for case in _plain]
