"""Pooling over windows."""

import numpy as np

from misure_onnx.gradients.onnx_gradient.rules.convolution import Windows, adjoint, windows_of
from misure_onnx.gradients.onnx_gradient.rules.rule import Gradients, Rule
from misure_onnx.gradients.onnx_gradient.rules.separable import along_axes, block_sums, repeated
from misure_onnx.gradients.onnx_gradient.site import Site, product
from misure_onnx.gradients.onnx_gradient.values import Array

_LARGE_KERNEL = 7  # windows wider than this are cheaper as matrices


def _average(site: Site) -> Gradients:
    w = site.write
    windows = windows_of(site, site.integers("kernel_shape"))
    if _tiles(windows):
        return [w.scaled(repeated(w, site.upstream, windows.kernel), 1 / product(windows.kernel))]
    includes_padding = bool(site.integer("count_include_pad", 0))
    counts = [_counts(windows, axis, includes_padding=includes_padding) for axis in range(len(windows.kernel))]
    if max(windows.kernel) > _LARGE_KERNEL or _windows_past_end(windows):
        matrices = {axis + 2: (_members(windows, axis) / counts[axis]).T for axis in range(len(counts))}
        return [along_axes(w, site.upstream, site.result_shape(), matrices)]
    divisors = np.ones((), np.float32)
    for count in counts:
        divisors = np.multiply.outer(divisors, count.reshape(-1))
    shares = w.divide(site.upstream, w.constant(divisors.astype(np.float32)))
    channels = site.shape()[1]
    return [adjoint(site, shares, np.ones((channels, 1, *windows.kernel), np.float32), windows, channels)]


def _tiles(windows: Windows) -> bool:
    """Whether windows without padding cover every pixel exactly once."""
    divisible = all(
        size == steps * k for size, steps, k in zip(windows.size, windows.steps, windows.kernel, strict=True)
    )
    plain = set(windows.dilations) == {1} and not any(windows.before + windows.after)
    return windows.kernel == windows.strides and plain and divisible


def _windows_past_end(windows: Windows) -> bool:
    """With ceil_mode, a last window may begin so late that it reads beyond the padding."""
    return min(windows.unread) < 0


def _positions(windows: Windows, axis: int) -> Array:
    """Pixel of every tap of every window, (steps, kernel); padding is negative or beyond the size."""
    starts = np.arange(windows.steps[axis]) * windows.strides[axis] - windows.before[axis]
    return np.asarray(starts[:, None] + np.arange(windows.kernel[axis]) * windows.dilations[axis])


def _counts(windows: Windows, axis: int, *, includes_padding: bool) -> Array:
    """How many taps a window's mean is over, (steps, 1)."""
    positions = _positions(windows, axis)
    low, high = (-windows.before[axis], windows.after[axis]) if includes_padding else (0, 0)
    inside = (positions >= low) & (positions < windows.size[axis] + high)
    return np.asarray(inside.sum(axis=1, keepdims=True), np.float32)


def _members(windows: Windows, axis: int) -> Array:
    """1 where a window reads a pixel, (steps, size)."""
    return np.asarray((_positions(windows, axis)[..., None] == np.arange(windows.size[axis])).sum(axis=1), np.float32)


def _maximum(site: Site) -> Gradients:
    if site.integer("storage_order", 0):
        raise site.refusal("storage_order 1")
    windows = windows_of(site, site.integers("kernel_shape"))
    return [_to_equal_pixels(site, windows) if _tiles(windows) else _to_indices(site)]


def _to_equal_pixels(site: Site, windows: Windows) -> str:
    """To the pixels that are equal to their block's maximum, in equal shares.

    A quarter of the time that indices take: a MaxPool that gives indices is twenty times slower.
    """
    w = site.write
    equal = w.indicator(w.node("Equal", site.input(0), repeated(w, site.result, windows.kernel)))
    shares = w.divide(site.upstream, block_sums(w, equal, windows.kernel))
    return w.multiply(equal, repeated(w, shares, windows.kernel))


def _to_indices(site: Site) -> str:
    """The node is asked for the places of its maxima; windows that overlap add up."""
    w = site.write
    if len(site.node.output) < 2 or not site.node.output[1]:
        values = site.result
        del site.node.output[:]
        site.node.output.extend([values, w.name("indices")])
    size = product(site.shape())
    places, flat = (w.reshape(name, [-1]) for name in (site.node.output[1], site.upstream))
    zeros = w.expand(w.constant(np.zeros(1, np.float32)), [size])
    added = w.node("ScatterElements", zeros, places, flat, axis=0, reduction="add")
    return w.reshape(added, site.shape())


RULES: dict[str, Rule] = {
    "AveragePool": _average,
    "MaxPool": _maximum,
}
