"""Arithmetic, comparisons and logic, element by element, with NumPy's broadcasting (opset 7 and newer)."""

from collections.abc import Callable
from functools import reduce
from types import MappingProxyType

import torch
from onnx import TensorProto
from torch import Tensor

from misure_onnx.gradients.torch_bridge.element_types import carrier
from misure_onnx.gradients.torch_bridge.host_values import scalar
from misure_onnx.gradients.torch_bridge.node import Key, Node, Operator

_UNSIGNED_MASKS = MappingProxyType({int(TensorProto.UINT16): 0xFFFF, int(TensorProto.UINT32): 0xFFFF_FFFF})


def _unary(function: Callable[[Tensor], Tensor]) -> Operator:
    def operator(_node: Node, x: Tensor) -> Tensor:
        return function(x)

    return operator


def _binary(function: Callable[[Tensor, Tensor], Tensor]) -> Operator:
    def operator(_node: Node, a: Tensor, b: Tensor) -> Tensor:
        return function(a, b)

    return operator


def _variadic(function: Callable[[Tensor, Tensor], Tensor]) -> Operator:
    def operator(_node: Node, *inputs: Tensor) -> Tensor:
        return reduce(function, inputs)

    return operator


def _divide(a: Tensor, b: Tensor) -> Tensor:
    """Integers are truncated towards zero."""
    if a.is_floating_point() or b.is_floating_point():
        return torch.div(a, b)
    return torch.div(a, b, rounding_mode="trunc")


def _mean(_node: Node, *inputs: Tensor) -> Tensor:
    return reduce(torch.add, inputs) / len(inputs)


def _power(_node: Node, x: Tensor, exponent: Tensor) -> Tensor:
    """The result has the base's type; a single fixed exponent has a cheaper gradient than a tensor of them."""
    if exponent.numel() == 1 and exponent.ndim <= x.ndim and not exponent.requires_grad:
        return torch.pow(x, scalar(exponent)).to(x.dtype)
    return torch.pow(x, exponent).to(x.dtype)


def _modulo(node: Node, a: Tensor, b: Tensor) -> Tensor:
    """`fmod` takes the dividend's sign, else the divisor's."""
    return torch.fmod(a, b) if node.flag("fmod") else torch.remainder(a, b)


def _bit_shift(node: Node, a: Tensor, b: Tensor) -> Tensor:
    shift = torch.bitwise_left_shift if node.text("direction", "") == "LEFT" else torch.bitwise_right_shift
    return shift(a, b)


def _bitwise_not(node: Node, x: Tensor) -> Tensor:
    """Unsigned types wider than 8 bits travel in a wider type, whose upper bits have to stay zero."""
    mask = _UNSIGNED_MASKS.get(node.input_type(0))
    return torch.bitwise_not(x) if mask is None else torch.bitwise_xor(x, mask)


def _clip(node: Node, x: Tensor, low: Tensor | None = None, high: Tensor | None = None) -> Tensor:
    """Bounds are attributes before opset 11; fixed ones are numbers, which is cheaper than tensors."""
    if any(bound is not None and bound.requires_grad for bound in (low, high)):
        x = x if low is None else torch.maximum(x, low.to(x.device))
        return x if high is None else torch.minimum(x, high.to(x.device))
    if node.opset < 11:
        lowest, highest = node.attributes.get("min"), node.attributes.get("max")
    else:
        lowest, highest = (None if bound is None else scalar(bound) for bound in (low, high))
    return x if lowest is None and highest is None else torch.clamp(x, lowest, highest)


def _where(_node: Node, condition: Tensor, x: Tensor, y: Tensor) -> Tensor:
    return torch.where(condition.bool(), x, y)


def _is_infinite(node: Node, x: Tensor) -> Tensor:
    positive = (
        torch.isposinf(x) if node.flag("detect_positive", default=True) else torch.zeros_like(x, dtype=torch.bool)
    )
    return positive | torch.isneginf(x) if node.flag("detect_negative", default=True) else positive


def _cast(node: Node, x: Tensor) -> Tensor:
    return _converted(x, carrier(node.integer("to", 0)))


def _cast_like(_node: Node, x: Tensor, like: Tensor) -> Tensor:
    return _converted(x, like.dtype)


def _converted(x: Tensor, dtype: torch.dtype) -> Tensor:
    """A cast; on a path with a gradient an integer stays a float, truncated in the forward pass only."""
    if dtype.is_floating_point or not x.is_floating_point():
        return x.to(dtype)
    if dtype == torch.bool:
        return x != 0
    if x.requires_grad:
        return x + (torch.trunc(x) - x).detach()  # exact: the difference of a float and its integer part is a float
    # Through int64: a negative float has no defined value in an unsigned type, its low bits have.
    return x.to(torch.int64).to(dtype)


def _dropout(node: Node, x: Tensor, ratio: Tensor | None = None, training: Tensor | None = None) -> tuple[Tensor, ...]:
    """Does nothing outside training.

    Raises:
        NotImplementedError: training mode.
    """
    if training is not None and bool(training) and (ratio is None or float(ratio) > 0):
        raise NotImplementedError("Dropout in training mode is random; export the model for inference")
    return (x, torch.ones_like(x, dtype=torch.bool)) if node.wants(1) else (x,)


def _identity(_node: Node, x: Tensor) -> Tensor:
    return x


OPERATORS: dict[Key, Operator] = {
    ("", "Abs"): _unary(torch.abs),
    ("", "Acos"): _unary(torch.acos),
    ("", "Acosh"): _unary(torch.acosh),
    ("", "Add"): _binary(torch.add),
    ("", "And"): _binary(torch.logical_and),
    ("", "Asin"): _unary(torch.asin),
    ("", "Asinh"): _unary(torch.asinh),
    ("", "Atan"): _unary(torch.atan),
    ("", "Atanh"): _unary(torch.atanh),
    ("", "BitShift"): _bit_shift,
    ("", "BitwiseAnd"): _binary(torch.bitwise_and),
    ("", "BitwiseNot"): _bitwise_not,
    ("", "BitwiseOr"): _binary(torch.bitwise_or),
    ("", "BitwiseXor"): _binary(torch.bitwise_xor),
    ("", "Cast"): _cast,
    ("", "CastLike"): _cast_like,
    ("", "Ceil"): _unary(torch.ceil),
    ("", "Clip"): _clip,
    ("", "Cos"): _unary(torch.cos),
    ("", "Cosh"): _unary(torch.cosh),
    ("", "Div"): _binary(_divide),
    ("", "Dropout"): _dropout,
    ("", "Equal"): _binary(torch.eq),
    ("", "Erf"): _unary(torch.erf),
    ("", "Exp"): _unary(torch.exp),
    ("", "Floor"): _unary(torch.floor),
    ("", "Greater"): _binary(torch.gt),
    ("", "GreaterOrEqual"): _binary(torch.ge),
    ("", "Identity"): _identity,
    ("", "IsInf"): _is_infinite,
    ("", "IsNaN"): _unary(torch.isnan),
    ("", "Less"): _binary(torch.lt),
    ("", "LessOrEqual"): _binary(torch.le),
    ("", "Log"): _unary(torch.log),
    ("", "Max"): _variadic(torch.maximum),
    ("", "Mean"): _mean,
    ("", "Min"): _variadic(torch.minimum),
    ("", "Mod"): _modulo,
    ("", "Mul"): _binary(torch.mul),
    ("", "Neg"): _unary(torch.neg),
    ("", "Not"): _unary(torch.logical_not),
    ("", "Or"): _binary(torch.logical_or),
    ("", "Pow"): _power,
    ("", "Reciprocal"): _unary(torch.reciprocal),
    ("", "Round"): _unary(torch.round),
    ("", "Sign"): _unary(torch.sign),
    ("", "Sin"): _unary(torch.sin),
    ("", "Sinh"): _unary(torch.sinh),
    ("", "Sqrt"): _unary(torch.sqrt),
    ("", "Sub"): _binary(torch.sub),
    ("", "Sum"): _variadic(torch.add),
    ("", "Tan"): _unary(torch.tan),
    ("", "Tanh"): _unary(torch.tanh),
    ("", "Where"): _where,
    ("", "Xor"): _binary(torch.logical_xor),
}

HOST_INPUTS: dict[Key, tuple[int, ...]] = {("", "Clip"): (1, 2), ("", "Dropout"): (1, 2), ("", "Pow"): (1,)}
