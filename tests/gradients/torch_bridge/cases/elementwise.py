"""Cases of `operators/elementwise.py`."""

import numpy as np
from onnx import TensorProto

from tests.gradients.torch_bridge.cases.case import Case, Draws

_draw = Draws(1)
_x = _draw.real(2, 3, 4)
_positive = _draw.real(2, 3, 4, low=0.2, high=3.0)
_row = _draw.real(3, 1)
_integers = _draw.whole(2, 5, low=-9, high=10)
_divisors = np.array([3, -4, 2, -1, 5])
_bytes = _draw.whole(2, 3, low=0, high=60, dtype=np.uint8)
_bits = _draw.whole(2, 3, low=0, high=3, dtype=np.uint8)
_wide = _draw.whole(2, 3, low=0, high=60_000, dtype=np.uint16)
_true, _false = _draw.truth(2, 3), _draw.truth(2, 3)
_odd = np.array([0.5, np.inf, -np.inf, np.nan])
_halves = np.array([-2.5, -1.5, -0.5, 0.5, 1.5, 2.5])

CASES = [
    Case("Abs", [_x]),
    Case("Acos", [_x * 0.9]),
    Case("Acosh", [_positive + 1.0]),
    Case("Add", [_x, _row]),
    Case("Add", [_x, _draw.real(4)], opset=7),
    Case("And", [_true, _false], differentiable=False),
    Case("Asin", [_x * 0.9]),
    Case("Asinh", [_x]),
    Case("Atan", [_x]),
    Case("Atanh", [_x * 0.9]),
    Case("BitShift", [_bytes, _bits], differentiable=False, attributes={"direction": "LEFT"}),
    Case("BitShift", [_bytes, _bits], differentiable=False, attributes={"direction": "RIGHT"}),
    Case("BitwiseAnd", [_bytes, _bits], differentiable=False),
    Case("BitwiseNot", [_bytes], differentiable=False),
    Case("BitwiseNot", [_wide], differentiable=False),
    Case("BitwiseOr", [_bytes, _bits], differentiable=False),
    Case("BitwiseXor", [_bytes, _bits], differentiable=False),
    Case("Cast", [_x * 9], differentiable=False, attributes={"to": TensorProto.INT32}),
    Case("Cast", [_positive * 9], differentiable=False, attributes={"to": TensorProto.UINT8}),
    Case("Cast", [np.array([0.0, 0.3, -2.0])], differentiable=False, attributes={"to": TensorProto.BOOL}),
    Case("Cast", [_integers], differentiable=False, attributes={"to": TensorProto.DOUBLE}),
    Case("Cast", [_x], attributes={"to": TensorProto.FLOAT}, opset=9, differentiable=False),
    Case("CastLike", [_x * 9, _integers], differentiable=False),
    Case("Ceil", [_x]),
    Case("Clip", [_x], opset=7, attributes={"min": -0.5, "max": 0.25}),
    Case("Clip", [_x], opset=7),
    Case("Clip", [_x, np.array(-0.5), np.array(0.25)], constants=(1, 2)),
    Case("Clip", [_x, None, np.array(0.25)], constants=(2,)),
    Case("Clip", [_x, np.array(-0.5), np.array(0.25)]),
    Case("Clip", [_integers, np.array(-3)], differentiable=False),
    Case("Cos", [_x]),
    Case("Cosh", [_x]),
    Case("Div", [_x, _row + 2.0]),
    Case("Div", [_integers, _divisors], differentiable=False),
    Case("Dropout", [_x], opset=7, attributes={"ratio": 0.5}),
    Case("Dropout", [_x, np.array(0.5)], outputs=2),
    Case("Equal", [_integers, _divisors], differentiable=False),
    Case("Erf", [_x], by_runtime=True),
    Case("Exp", [_x]),
    Case("Floor", [_x]),
    Case("Greater", [_x, _row], differentiable=False),
    Case("GreaterOrEqual", [_integers, _divisors], differentiable=False),
    Case("Identity", [_x]),
    Case("IsInf", [_odd], differentiable=False),
    Case("IsInf", [_odd], differentiable=False, attributes={"detect_negative": 0}),
    Case("IsInf", [_odd], differentiable=False, attributes={"detect_positive": 0}),
    Case("IsNaN", [_odd], differentiable=False),
    Case("Less", [_x, _row], differentiable=False),
    Case("LessOrEqual", [_integers, _divisors], differentiable=False),
    Case("Log", [_positive]),
    Case("Max", [_x, _row, _draw.real(4)]),
    Case("Mean", [_x, _row, _draw.real(4)]),
    Case("Min", [_x, _row, _draw.real(4)]),
    Case("Mod", [_integers, _divisors], differentiable=False),
    Case("Mod", [_integers, _divisors], differentiable=False, attributes={"fmod": 1}),
    Case("Mod", [_x, np.array(0.3)], constants=(1,), attributes={"fmod": 1}),
    Case("Mul", [_x, _row]),
    Case("Neg", [_x]),
    Case("Not", [_true], differentiable=False),
    Case("Or", [_true, _false], differentiable=False),
    Case("Pow", [_x, np.array(2.0)], constants=(1,)),
    Case("Pow", [_x, np.array([[3.0]])], constants=(1,), opset=7),
    Case("Pow", [np.array(1.3), np.array([[3.0]])]),
    Case("Pow", [_positive, _row]),
    Case("Pow", [_integers, np.array(2.0)], differentiable=False),
    Case("Reciprocal", [_positive]),
    Case("Round", [_halves], differentiable=False),
    Case("Round", [_x]),
    Case("Sign", [_x]),
    Case("Sin", [_x]),
    Case("Sinh", [_x]),
    Case("Sqrt", [_positive]),
    Case("Sub", [_x, _row]),
    Case("Sum", [_x, _row, _draw.real(4)]),
    Case("Tan", [_x]),
    Case("Tanh", [_x]),
    Case("Where", [_draw.truth(3, 4), _x, _row]),
    Case("Xor", [_true, _false], differentiable=False),
]
