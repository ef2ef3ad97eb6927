"""Activation functions and softmax."""

import math
from collections.abc import Callable

import torch
import torch.nn.functional as F  # noqa: N812 - torch's own abbreviation
from torch import Tensor

from misure_onnx.gradients.torch_bridge.node import Key, Node, Operator

_SELU_ALPHA, _SELU_GAMMA = 1.67326319217681884765625, 1.05070102214813232421875


def _relu(_node: Node, x: Tensor) -> Tensor:
    return torch.relu(x)


def _leaky_relu(node: Node, x: Tensor) -> Tensor:
    return F.leaky_relu(x, node.number("alpha", 0.01))


def _prelu(_node: Node, x: Tensor, slope: Tensor) -> Tensor:
    """The slope broadcasts to x; one number a channel is what torch has a kernel for."""
    per_channel = slope.ndim == x.ndim - 1 >= 1 and slope.numel() == slope.shape[0] == x.shape[1]
    if slope.numel() == 1 or per_channel:
        return F.prelu(x, slope.reshape(-1))
    return torch.where(x >= 0, x, x * slope)


def _elu(node: Node, x: Tensor) -> Tensor:
    return F.elu(x, node.number("alpha", 1.0))


def _celu(node: Node, x: Tensor) -> Tensor:
    return F.celu(x, node.number("alpha", 1.0))


def _selu(node: Node, x: Tensor) -> Tensor:
    return node.number("gamma", _SELU_GAMMA) * F.elu(x, node.number("alpha", _SELU_ALPHA))


def _thresholded_relu(node: Node, x: Tensor) -> Tensor:
    return F.threshold(x, node.number("alpha", 1.0), 0.0)


def _sigmoid(_node: Node, x: Tensor) -> Tensor:
    return torch.sigmoid(x)


def _hard_sigmoid(node: Node, x: Tensor) -> Tensor:
    return torch.clamp(node.number("alpha", 0.2) * x + node.number("beta", 0.5), 0, 1)


def _hard_swish(_node: Node, x: Tensor) -> Tensor:
    return F.hardswish(x)


def _softplus(_node: Node, x: Tensor) -> Tensor:
    return F.softplus(x, threshold=50.0)  # torch's own threshold of 20 costs digits in float64


def _softsign(_node: Node, x: Tensor) -> Tensor:
    return F.softsign(x)


def _gelu(node: Node, x: Tensor) -> Tensor:
    return F.gelu(x, approximate=node.text("approximate", "none"))


def _mish(_node: Node, x: Tensor) -> Tensor:
    return F.mish(x)


def _swish(node: Node, x: Tensor) -> Tensor:
    return x * torch.sigmoid(node.number("alpha", 1.0) * x)


def _shrink(node: Node, x: Tensor) -> Tensor:
    threshold, bias = node.number("lambd", 0.5), node.number("bias", 0.0)
    inner = torch.where(x > threshold, x - bias, torch.zeros_like(x))
    return torch.where(x < -threshold, x + bias, inner).to(x.dtype)


def _along_axis(function: Callable[[Tensor, int], Tensor]) -> Operator:
    """Before opset 13 the axes from `axis` (default 1) on are one; since then it is one axis (default the last)."""

    def operator(node: Node, x: Tensor) -> Tensor:
        if node.opset >= 13:
            return function(x, node.integer("axis", -1))
        axis = node.integer("axis", 1) % max(x.ndim, 1)
        if axis == x.ndim - 1:
            return function(x, axis)
        return function(x.reshape(math.prod(x.shape[:axis]), -1), 1).reshape(x.shape)

    return operator


def _softmax(x: Tensor, axis: int) -> Tensor:
    return torch.softmax(x, axis)


def _log_softmax(x: Tensor, axis: int) -> Tensor:
    return torch.log_softmax(x, axis)


def _hardmax(x: Tensor, axis: int) -> Tensor:
    return torch.zeros_like(x).scatter(axis, x.argmax(axis, keepdim=True), 1.0)


OPERATORS: dict[Key, Operator] = {
    ("", "Celu"): _celu,
    ("", "Elu"): _elu,
    ("", "Gelu"): _gelu,
    ("", "HardSigmoid"): _hard_sigmoid,
    ("", "HardSwish"): _hard_swish,
    ("", "Hardmax"): _along_axis(_hardmax),
    ("", "LeakyRelu"): _leaky_relu,
    ("", "LogSoftmax"): _along_axis(_log_softmax),
    ("", "Mish"): _mish,
    ("", "PRelu"): _prelu,
    ("", "Relu"): _relu,
    ("", "Selu"): _selu,
    ("", "Shrink"): _shrink,
    ("", "Sigmoid"): _sigmoid,
    ("", "Softmax"): _along_axis(_softmax),
    ("", "Softplus"): _softplus,
    ("", "Softsign"): _softsign,
    ("", "Swish"): _swish,
    ("", "ThresholdedRelu"): _thresholded_relu,
}
