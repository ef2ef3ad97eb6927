"""Pools over sliding windows and over the whole map."""

import math
from collections.abc import Callable
from types import MappingProxyType
from typing import cast

import torch
import torch.nn.functional as F  # noqa: N812 - torch's own abbreviation
from torch import Tensor

from misure_onnx.gradients.torch_bridge.host_values import integers
from misure_onnx.gradients.torch_bridge.node import Key, Node, Operator
from misure_onnx.gradients.torch_bridge.operators.convolution import CONVOLUTIONS
from misure_onnx.gradients.torch_bridge.operators.windows import (
    Pads,
    Window,
    explicit_pads,
    extent,
    for_torch,
    unit_or,
    window_of,
)

_MAXIMA: MappingProxyType[int, Callable[..., Tensor]] = MappingProxyType(
    {1: F.max_pool1d, 2: F.max_pool2d, 3: F.max_pool3d}
)
_MEANS: MappingProxyType[int, Callable[..., Tensor]] = MappingProxyType(
    {1: F.avg_pool1d, 2: F.avg_pool2d, 3: F.avg_pool3d}
)


def _max_pool(node: Node, x: Tensor) -> tuple[Tensor, ...]:
    """MaxPool: x (N, C, ...) -> maxima, and their flat indices into x where asked for."""
    window = _window(node, x)
    data = x if x.is_floating_point() else x.to(torch.float32)
    pads, ceil = window.heads, node.flag("ceil_mode")
    if not _torch_pads(window):
        data = F.pad(data, for_torch(_with_ceil(node, window, x)), value=-math.inf)
        pads, ceil = [0] * len(pads), False
    pool = _MAXIMA[x.ndim - 2]
    if not node.wants(1):
        return (pool(data, window.kernel, window.strides, pads, window.dilations, ceil).to(x.dtype),)
    maxima, places = pool(data, window.kernel, window.strides, pads, window.dilations, ceil, return_indices=True)
    if data.shape != x.shape:
        places = _without_pads(places, list(data.shape[2:]), list(x.shape[2:]), window.heads)
    return maxima.to(x.dtype), _over_the_batch(node, places, list(x.shape[2:]))


def _without_pads(places: Tensor, padded: list[int], sizes: list[int], heads: list[int]) -> Tensor:
    """Flat indices into a padded map, turned into indices into the map itself."""
    result = torch.zeros_like(places)
    step = 1
    for long_side, size, head in reversed(list(zip(padded, sizes, heads, strict=True))):
        result = result + (places % long_side - head) * step
        places = places // long_side
        step *= size
    return result


def _over_the_batch(node: Node, places: Tensor, sizes: list[int]) -> Tensor:
    """ONNX counts through the whole tensor, torch through one map; `storage_order` 1 counts columns first."""
    if node.flag("storage_order") and len(sizes) == 2:
        places = places % sizes[1] * sizes[0] + places // sizes[1]
    maps = torch.arange(places.shape[0] * places.shape[1], device=places.device)
    return places + maps.reshape(*places.shape[:2], *[1] * len(sizes)) * math.prod(sizes)


def average_pool(node: Node, x: Tensor) -> Tensor:
    """AveragePool: padding counts only with `count_include_pad`, and what ceil_mode adds never."""
    window = _window(node, x)
    counted = node.flag("count_include_pad")
    if _torch_pads(window) and all(dilation == 1 for dilation in window.dilations):
        return _MEANS[x.ndim - 2](x, window.kernel, window.strides, window.heads, node.flag("ceil_mode"), counted)
    pads = _with_ceil(node, window, x)
    ones = torch.ones((1, 1, *x.shape[2:]), dtype=x.dtype, device=x.device)
    if counted:
        ones = F.pad(ones, for_torch(window.pads), value=1.0)
        rest = [(0, after - own) for (_, after), (_, own) in zip(pads, window.pads, strict=True)]
        ones = F.pad(ones, for_torch(rest))
    else:
        ones = F.pad(ones, for_torch(pads))
    return _window_sums(window, F.pad(x, for_torch(pads))) / _window_sums(window, ones)


def _lp_pool(node: Node, x: Tensor) -> Tensor:
    """LpPool: (sum |x|^p)^(1/p) of each window."""
    window = _window(node, x)
    p = node.number("p", 2)
    padded = F.pad(x.abs() ** p, for_torch(_with_ceil(node, window, x)))
    return _window_sums(window, padded) ** (1 / p)


def _window_sums(window: Window, x: Tensor) -> Tensor:
    """Sum of every window of a padded map."""
    rank = len(window.kernel)
    if all(dilation == 1 for dilation in window.dilations):
        return _MEANS[rank](x, window.kernel, window.strides) * math.prod(window.kernel)
    ones = torch.ones((1, 1, *window.kernel), dtype=x.dtype, device=x.device)
    maps = x.reshape(-1, 1, *x.shape[2:])
    sums = CONVOLUTIONS[rank](maps, ones, None, window.strides, 0, window.dilations)
    return sums.reshape(*x.shape[:2], *sums.shape[2:])


def _window(node: Node, x: Tensor) -> Window:
    return window_of(node, x.shape[2:], cast("list[int]", node.integers("kernel_shape")))


def _torch_pads(window: Window) -> bool:
    """Whether torch's pools pad as wanted: alike on both sides, and by no more than half the window."""
    return window.symmetric and all(2 * head <= taps for head, taps in zip(window.heads, window.kernel, strict=True))


def _with_ceil(node: Node, window: Window, x: Tensor) -> Pads:
    """Paddings that make a pool without ceil_mode as large as ONNX wants it.

    A window that would start in the padding after the data is left out, as in torch.
    """
    result: Pads = []
    for k, (before, after) in enumerate(window.pads):
        stride, reach = window.strides[k], extent(window.kernel[k], window.dilations[k])
        size = x.shape[2 + k]
        room = size + before + after - reach
        windows = (-(-room // stride) if node.flag("ceil_mode") else room // stride) + 1
        if node.flag("ceil_mode") and (windows - 1) * stride >= size + before:
            windows -= 1
        result.append((before, after + max(0, (windows - 1) * stride - room)))
    return result


def _global_average_pool(_node: Node, x: Tensor) -> Tensor:
    return x.mean(tuple(range(2, x.ndim)), keepdim=True)


def _global_max_pool(_node: Node, x: Tensor) -> Tensor:
    return x.amax(tuple(range(2, x.ndim)), keepdim=True)


def _global_lp_pool(node: Node, x: Tensor) -> Tensor:
    norm: Tensor = torch.linalg.vector_norm(x, node.number("p", 2), tuple(range(2, x.ndim)), keepdim=True)
    return norm


def _max_unpool(node: Node, x: Tensor, places: Tensor, shape: Tensor | None = None) -> Tensor:
    """MaxUnpool: values put back where MaxPool's indices say.

    With an `output_shape` the indices count through that shape, as in ONNX Runtime: it is the shape of the map
    that MaxPool saw. ONNX's own test counts through the shape that follows from the window.
    """
    if shape is None:
        kernel = cast("list[int]", node.integers("kernel_shape"))
        strides, pads = unit_or(node, "strides", len(kernel)), explicit_pads(node, len(kernel))
        windows = zip(x.shape[2:], kernel, strides, pads, strict=True)
        sizes = [(count - 1) * stride - sum(pad) + taps for count, taps, stride, pad in windows]
    else:
        sizes = integers(shape)[2:]
    whole = (*x.shape[:2], *sizes)
    flat = torch.zeros(math.prod(whole), dtype=x.dtype, device=x.device)
    return flat.scatter(0, places.reshape(-1), x.reshape(-1)).reshape(whole)


OPERATORS: dict[Key, Operator] = {
    ("", "AveragePool"): average_pool,
    ("", "GlobalAveragePool"): _global_average_pool,
    ("", "GlobalLpPool"): _global_lp_pool,
    ("", "GlobalMaxPool"): _global_max_pool,
    ("", "LpPool"): _lp_pool,
    ("", "MaxPool"): _max_pool,
    ("", "MaxUnpool"): _max_unpool,
}

HOST_INPUTS: dict[Key, tuple[int, ...]] = {("", "MaxUnpool"): (2,)}
