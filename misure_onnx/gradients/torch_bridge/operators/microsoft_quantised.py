"""Quantised operators of ONNX Runtime (com.microsoft): dequantise, compute in floats, quantise."""

from collections.abc import Callable

import torch
import torch.nn.functional as F  # noqa: N812 - torch's own abbreviation
from torch import Tensor

from misure_onnx.gradients.torch_bridge.node import Key, Node, Operator
from misure_onnx.gradients.torch_bridge.operators.pooling import average_pool
from misure_onnx.gradients.torch_bridge.operators.quantisation import (
    dequantised,
    dynamic_quantisation,
    matmul_integer,
    requantised,
)

_DOMAIN = "com.microsoft"


def _unary(function: Callable[[Node, Tensor], Tensor]) -> Operator:
    """(x, x scale, x zero, y scale, y zero)."""

    def operator(  # noqa: PLR0917 - the order is ONNX Runtime's
        node: Node, x: Tensor, x_scale: Tensor, x_zero: Tensor | None, y_scale: Tensor, y_zero: Tensor | None = None
    ) -> Tensor:
        return requantised(node, function(node, dequantised(x, x_scale, x_zero)), y_scale, y_zero, 4)

    return operator


def _binary(function: Callable[[Tensor, Tensor], Tensor]) -> Operator:
    """(a, a scale, a zero, b, b scale, b zero, y scale, y zero)."""

    def operator(  # noqa: PLR0917 - the order is ONNX Runtime's
        node: Node,
        a: Tensor,
        a_scale: Tensor,
        a_zero: Tensor | None,
        b: Tensor,
        b_scale: Tensor,
        b_zero: Tensor | None,
        y_scale: Tensor,
        y_zero: Tensor | None = None,
    ) -> Tensor:
        result = function(dequantised(a, a_scale, a_zero), dequantised(b, b_scale, b_zero))
        return requantised(node, result, y_scale, y_zero, 7)

    return operator


def _sigmoid(_node: Node, x: Tensor) -> Tensor:
    return torch.sigmoid(x)


def _leaky_relu(node: Node, x: Tensor) -> Tensor:
    return F.leaky_relu(x, node.number("alpha", 0.01))


def _softmax(node: Node, x: Tensor) -> Tensor:
    """QLinearSoftmax carries the opset of the Softmax it replaced."""
    axis = node.integer("axis", -1)
    if node.integer("opset", 13) >= 13:
        return torch.softmax(x, axis)
    return torch.softmax(x.flatten(axis % x.ndim), -1).reshape(x.shape)


def _channels_first(function: Callable[[Node, Tensor], Tensor]) -> Callable[[Node, Tensor], Tensor]:
    """A pool over maps that may have their channels last."""

    def pool(node: Node, x: Tensor) -> Tensor:
        if not node.flag("channels_last"):
            return function(node, x)
        return function(node, x.movedim(-1, 1)).movedim(1, -1)

    return pool


def _global_mean(_node: Node, x: Tensor) -> Tensor:
    return x.mean(tuple(range(2, x.ndim)), keepdim=True)


def _concat(node: Node, y_scale: Tensor, y_zero: Tensor, *parts: Tensor) -> Tensor:
    """QLinearConcat: every part with its own scale and zero point."""
    floats = [dequantised(*parts[k : k + 3]) for k in range(0, len(parts), 3)]
    return requantised(node, torch.cat(floats, node.integer("axis", 0)), y_scale, y_zero, 1)


def _matmul_integer_to_float(  # noqa: PLR0917 - the order is ONNX Runtime's
    node: Node,
    a: Tensor,
    b: Tensor,
    a_scale: Tensor,
    b_scale: Tensor,
    a_zero: Tensor | None = None,
    b_zero: Tensor | None = None,
    bias: Tensor | None = None,
) -> Tensor:
    product = matmul_integer(node, a, b, a_zero, b_zero) * (a_scale * b_scale)
    return product if bias is None else product + bias


def _dynamic_quantize_matmul(  # noqa: PLR0917 - the order of inputs is ONNX's
    node: Node, a: Tensor, b: Tensor, b_scale: Tensor, b_zero: Tensor | None = None, bias: Tensor | None = None
) -> Tensor:
    """The left matrix is quantised on the fly."""
    integers, a_scale, a_zero = dynamic_quantisation(node, a)
    return _matmul_integer_to_float(node, integers, b, a_scale, b_scale, a_zero, b_zero, bias)


OPERATORS: dict[Key, Operator] = {
    (_DOMAIN, "DynamicQuantizeMatMul"): _dynamic_quantize_matmul,
    (_DOMAIN, "MatMulIntegerToFloat"): _matmul_integer_to_float,
    (_DOMAIN, "QLinearAdd"): _binary(torch.add),
    (_DOMAIN, "QLinearAveragePool"): _unary(_channels_first(average_pool)),
    (_DOMAIN, "QLinearConcat"): _concat,
    (_DOMAIN, "QLinearGlobalAveragePool"): _unary(_channels_first(_global_mean)),
    (_DOMAIN, "QLinearLeakyRelu"): _unary(_leaky_relu),
    (_DOMAIN, "QLinearMul"): _binary(torch.mul),
    (_DOMAIN, "QLinearSigmoid"): _unary(_sigmoid),
    (_DOMAIN, "QLinearSoftmax"): _unary(_softmax),
}
