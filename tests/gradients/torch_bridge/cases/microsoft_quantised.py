"""Cases of `operators/microsoft_quantised.py`: forward only, by ONNX Runtime's own kernels."""

from typing import Any

import numpy as np

from tests.gradients.torch_bridge.cases.case import Array, Case, Draws

_draw = Draws(16)
_x = _draw.whole(1, 3, 6, 6, low=0, high=255, dtype=np.uint8)
_y = _draw.whole(1, 3, 6, 6, low=0, high=255, dtype=np.uint8)
_left = _draw.real(3, 4).astype(np.float32)
_rows, _right = _draw.whole(3, 4, low=0, high=255, dtype=np.uint8), _draw.whole(4, 2, low=0, high=255, dtype=np.uint8)
_bias = _draw.real(2).astype(np.float32)


def _float(value: float) -> Array:
    return np.array(value, dtype=np.float32)


def _byte(value: int) -> Array:
    return np.array(value, dtype=np.uint8)


def _parameters(scale: float, zero: int) -> tuple[Array, Array]:
    return _float(scale), _byte(zero)


def _case(operator: str, *inputs: Array | None, tolerance: float = 1e-5, **attributes: Any) -> Case:
    return Case(
        operator,
        inputs,
        1,
        "com.microsoft",
        by_runtime=True,
        differentiable=False,
        tolerance=tolerance,
        constants=tuple(k for k, array in enumerate(inputs) if array is not None and array.ndim == 0),
        attributes=attributes,
    )


CASES = [
    _case("QLinearAdd", _x, *_parameters(0.0213, 100), _y, *_parameters(0.0317, 110), *_parameters(0.04, 120)),
    _case("QLinearMul", _x, *_parameters(0.02, 100), _y, *_parameters(0.03, 110), *_parameters(0.05, 120)),
    _case("QLinearSigmoid", _x, *_parameters(0.02, 100), *_parameters(0.004, 0)),
    _case("QLinearLeakyRelu", _x, *_parameters(0.02, 100), *_parameters(0.02, 50), alpha=0.2),
    _case("QLinearGlobalAveragePool", _x, *_parameters(0.02, 100), *_parameters(0.004, 90)),
    _case("QLinearGlobalAveragePool", _x, *_parameters(0.02, 100), *_parameters(0.004, 90), channels_last=1),
    _case("QLinearAveragePool", _x, *_parameters(0.02, 100), *_parameters(0.01, 90), kernel_shape=[3, 3]),
    _case("QLinearConcat", *_parameters(0.03, 100), _x, *_parameters(0.02, 90), _y, *_parameters(0.04, 80), axis=1),
    _case("QLinearSoftmax", _x, *_parameters(0.02, 100), *_parameters(1 / 256, 0), axis=1, opset=13),
    _case("QLinearSoftmax", _x, *_parameters(0.002, 100), *_parameters(1 / 256, 0), axis=2, opset=11),
    _case("MatMulIntegerToFloat", _rows, _right, _float(0.1), _float(0.2), _byte(3), _byte(4)),
    _case("MatMulIntegerToFloat", _rows, _right, _float(0.1), _float(0.2), _byte(3), _byte(4), _bias),
    _case("DynamicQuantizeMatMul", _left, _right, _float(0.2), _byte(4), _bias, tolerance=1e-4),
]
