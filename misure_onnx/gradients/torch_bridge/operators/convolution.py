"""Convolutions of one, two and three dimensions."""

from collections.abc import Callable
from types import MappingProxyType

import torch.nn.functional as F  # noqa: N812 - torch's own abbreviation
from torch import Tensor

from misure_onnx.gradients.torch_bridge.host_values import integers
from misure_onnx.gradients.torch_bridge.node import Key, Node, Operator
from misure_onnx.gradients.torch_bridge.operators.windows import (
    Pads,
    explicit_pads,
    extent,
    for_torch,
    halves,
    unit_or,
    window_of,
)

CONVOLUTIONS: MappingProxyType[int, Callable[..., Tensor]] = MappingProxyType({1: F.conv1d, 2: F.conv2d, 3: F.conv3d})
_TRANSPOSED: MappingProxyType[int, Callable[..., Tensor]] = MappingProxyType(
    {1: F.conv_transpose1d, 2: F.conv_transpose2d, 3: F.conv_transpose3d}
)


def convolve(node: Node, x: Tensor, w: Tensor, b: Tensor | None = None) -> Tensor:
    """Conv: x (N, C, ...), w (M, C/group, ...) -> (N, M, ...)."""
    window = window_of(node, x.shape[2:], w.shape[2:])
    pads = window.heads
    if not window.symmetric:
        x = F.pad(x, for_torch(window.pads))
        pads = [0] * len(pads)
    convolution = CONVOLUTIONS[w.ndim - 2]
    return convolution(x, w, b, window.strides, pads, window.dilations, node.integer("group", 1))


def _transposed(node: Node, x: Tensor, w: Tensor, b: Tensor | None = None) -> Tensor:
    """ConvTranspose: x (N, C, ...), w (C, M/group, ...) -> (N, M, ...)."""
    rank = w.ndim - 2
    strides, dilations = unit_or(node, "strides", rank), unit_or(node, "dilations", rank)
    extra = node.integers("output_padding") or [0] * rank
    group = node.integer("group", 1)
    pads = _transposed_pads(node, x, w, extra)
    torch_can = all(before == after >= 0 for before, after in pads) and all(
        more < max(stride, dilation) for more, stride, dilation in zip(extra, strides, dilations, strict=True)
    )
    if torch_can:
        heads = [before for before, _ in pads]
        return _TRANSPOSED[rank](x, w, b, strides, heads, extra, group, dilations)
    # The whole output, cut or extended afterwards; the bias also fills what is added.
    full = _TRANSPOSED[rank](x, w, None, strides, [0] * rank, [0] * rank, group, dilations)
    cut = [(-before, more - after) for (before, after), more in zip(pads, extra, strict=True)]
    y = F.pad(full, for_torch(cut))
    return y if b is None else y + b.reshape(1, -1, *[1] * rank)


def _transposed_pads(node: Node, x: Tensor, w: Tensor, extra: list[int]) -> Pads:
    """What is cut from the full output: given, or so much that `output_shape` or SAME is met."""
    rank = w.ndim - 2
    strides, dilations = unit_or(node, "strides", rank), unit_or(node, "dilations", rank)
    rule, wanted = node.text("auto_pad", "NOTSET"), node.integers("output_shape")
    if wanted is None and rule.startswith("SAME"):
        wanted = [size * stride for size, stride in zip(x.shape[2:], strides, strict=True)]
    if wanted is None:
        return [(0, 0)] * rank if rule == "VALID" else explicit_pads(node, rank)
    return [
        halves(
            strides[k] * (x.shape[2 + k] - 1) + extra[k] + extent(w.shape[2 + k], dilations[k]) - wanted[-rank:][k],
            more_at_the_end=rule == "SAME_UPPER",
        )
        for k in range(rank)
    ]


def _col2im(node: Node, x: Tensor, image: Tensor, block: Tensor) -> Tensor:
    """Col2Im: columns (N, C * taps, places) summed into images (N, C, H, W).

    Raises:
        NotImplementedError: more or less than two dimensions.
    """
    sizes, taps = integers(image), integers(block)
    if len(sizes) != 2:
        raise NotImplementedError(f"Col2Im is known for two dimensions, got image_shape {sizes}")
    pads = explicit_pads(node, 2)
    padded = [size + before + after for size, (before, after) in zip(sizes, pads, strict=True)]
    dilations, strides = tuple(unit_or(node, "dilations", 2)), tuple(unit_or(node, "strides", 2))
    y = F.fold(x, tuple(padded), tuple(taps), dilation=dilations, stride=strides)
    return F.pad(y, for_torch((-before, -after) for before, after in pads))


OPERATORS: dict[Key, Operator] = {
    ("", "Col2Im"): _col2im,
    ("", "Conv"): convolve,
    ("", "ConvTranspose"): _transposed,
}

HOST_INPUTS: dict[Key, tuple[int, ...]] = {("", "Col2Im"): (1, 2)}
