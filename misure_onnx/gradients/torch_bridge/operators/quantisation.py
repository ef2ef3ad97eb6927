"""Quantised tensors: floats that hold integers, with a rounding the gradient does not see."""

from typing import Any

import torch
from torch import Tensor

from misure_onnx.gradients.torch_bridge.element_types import INTEGER_RANGES
from misure_onnx.gradients.torch_bridge.node import Key, Node, Operator
from misure_onnx.gradients.torch_bridge.operators.convolution import convolve

_UINT8 = 2


class _StraightThrough(torch.autograd.Function):
    """Rounds to even forwards, and does nothing backwards (Bengio et al. 2013)."""

    generate_vmap_rule = True

    @staticmethod
    def forward(x: Tensor) -> Tensor:
        """Rounded."""
        return torch.round(x)

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, ...], output: Any) -> None:
        """Keeps nothing."""

    @staticmethod
    def backward(ctx: Any, *gradients: Any) -> Any:
        """The gradient unchanged."""
        del ctx
        return gradients[0]


def quantised(x: Tensor, scale: Tensor, zero: Tensor | None, element_type: int) -> Tensor:
    """x / scale + zero point, rounded and clamped to the type's range.

    Raises:
        NotImplementedError: a float type of 8 bits or fewer.
    """
    if element_type not in INTEGER_RANGES:
        raise NotImplementedError(f"quantisation to element type {element_type} is not known; expected an integer type")
    steps = _StraightThrough.apply(x / scale)  # type: ignore[no-untyped-call]
    low, high = INTEGER_RANGES[element_type]
    return torch.clamp(steps if zero is None else steps + zero.to(x.dtype), low, high)


def dequantised(x: Tensor, scale: Tensor, zero: Tensor | None) -> Tensor:
    """(x - zero point) * scale."""
    centred = x.to(scale.dtype)
    return (centred if zero is None else centred - zero.to(scale.dtype)) * scale


def spread(parameter: Tensor, x: Tensor, axis: int, block: int = 0) -> Tensor:
    """A scale or zero point for one tensor, one a slice along an axis, or one a block of it, shaped like x."""
    if block:
        return parameter.repeat_interleave(block, axis).narrow(axis, 0, x.shape[axis])
    if parameter.numel() == 1:
        return parameter.reshape(())
    shape = [1] * x.ndim
    shape[axis] = -1
    return parameter.reshape(shape)


def _quantize_linear(node: Node, x: Tensor, scale: Tensor, zero: Tensor | None = None) -> Tensor:
    axis, block = node.integer("axis", 1), node.integer("block_size", 0)
    element_type = node.input_type(2) or node.integer("output_dtype", 0) or _type_of(zero)
    zeros = None if zero is None else spread(zero, x, axis, block)
    return quantised(x, spread(scale, x, axis, block), zeros, element_type)


def _type_of(zero: Tensor | None) -> int:
    """Element type of a zero point that the file does not declare."""
    types = {torch.int8: 3, torch.int16: 5, torch.int32: 6}
    return _UINT8 if zero is None else types.get(zero.dtype, _UINT8)


def _dequantize_linear(node: Node, x: Tensor, scale: Tensor, zero: Tensor | None = None) -> Tensor:
    axis, block = node.integer("axis", 1), node.integer("block_size", 0)
    zeros = None if zero is None else spread(zero, x, axis, block)
    return dequantised(x, spread(scale, x, axis, block), zeros)


def requantised(node: Node, y: Tensor, scale: Tensor, zero: Tensor | None, position: int) -> Tensor:
    """A float result in the integers of the zero point at this input."""
    return quantised(y, scale, zero, node.input_type(position) or _type_of(zero))


def _qlinear_conv(  # noqa: PLR0917 - the order is ONNX's
    node: Node,
    x: Tensor,
    x_scale: Tensor,
    x_zero: Tensor,
    w: Tensor,
    w_scale: Tensor,
    w_zero: Tensor,
    y_scale: Tensor,
    y_zero: Tensor,
    b: Tensor | None = None,
) -> Tensor:
    """QLinearConv: the bias is in units of x_scale * w_scale."""
    kernel = w.to(x_scale.dtype) - spread(w_zero, w, 0).to(x_scale.dtype)
    y = convolve(node, x.to(x_scale.dtype) - x_zero.to(x_scale.dtype), kernel)
    if b is not None:
        y = y + spread(b.to(y.dtype), y, 1)
    return requantised(node, y * spread(x_scale * w_scale, y, 1), y_scale, y_zero, 7)


def _qlinear_matmul(  # noqa: PLR0917 - the order is ONNX's
    node: Node,
    a: Tensor,
    a_scale: Tensor,
    a_zero: Tensor,
    b: Tensor,
    b_scale: Tensor,
    b_zero: Tensor,
    y_scale: Tensor,
    y_zero: Tensor,
) -> Tensor:
    left = dequantised(a, _rows(a_scale), _rows(a_zero))
    product = left @ dequantised(b, b_scale, b_zero)
    return requantised(node, product, y_scale, y_zero, 7)


def _rows(parameter: Tensor) -> Tensor:
    """A parameter of a left matrix: one for all, or one a row as a vector or a column."""
    return parameter[:, None] if parameter.ndim == 1 and parameter.numel() > 1 else parameter


def _conv_integer(
    node: Node, x: Tensor, w: Tensor, x_zero: Tensor | None = None, w_zero: Tensor | None = None
) -> Tensor:
    data, kernel = x.to(torch.float32), w.to(torch.float32)
    data = data if x_zero is None else data - x_zero.to(data.dtype)
    kernel = kernel if w_zero is None else kernel - spread(w_zero, w, 0).to(kernel.dtype)
    return convolve(node, data, kernel)


def matmul_integer(
    _node: Node, a: Tensor, b: Tensor, a_zero: Tensor | None = None, b_zero: Tensor | None = None
) -> Tensor:
    """MatMulInteger: zero points for the whole matrix, one a row of a, or one a column of b."""
    left, right = a.to(torch.float32), b.to(torch.float32)
    if a_zero is not None:
        left = left - _rows(a_zero).to(left.dtype)
    return left @ (right if b_zero is None else right - b_zero.to(right.dtype))


def dynamic_quantisation(_node: Node, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """DynamicQuantizeLinear: scale and zero point from the data's range, taken as constants by the gradient."""
    low, high = x.detach().amin().clamp(max=0), x.detach().amax().clamp(min=0)
    scale = (high - low) / 255
    scale = torch.where(scale == 0, torch.ones_like(scale), scale)
    zero = torch.clamp(torch.round(-low / scale), 0, 255)
    return quantised(x, scale, zero, _UINT8), scale, zero.to(torch.uint8)


OPERATORS: dict[Key, Operator] = {
    ("", "ConvInteger"): _conv_integer,
    ("", "DequantizeLinear"): _dequantize_linear,
    ("", "DynamicQuantizeLinear"): dynamic_quantisation,
    ("", "MatMulInteger"): matmul_integer,
    ("", "QLinearConv"): _qlinear_conv,
    ("", "QLinearMatMul"): _qlinear_matmul,
    ("", "QuantizeLinear"): _quantize_linear,
    ("com.microsoft", "DequantizeLinear"): _dequantize_linear,
    ("com.microsoft", "QuantizeLinear"): _quantize_linear,
}
