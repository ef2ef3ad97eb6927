"""Convolution and its transpose, in one, two and three dimensions."""

from dataclasses import dataclass

import numpy as np

from misure_onnx.gradients.onnx_gradient.rules.pixel_blocks import blocks_laid_out, spread_apart
from misure_onnx.gradients.onnx_gradient.rules.rule import Gradients, Rule
from misure_onnx.gradients.onnx_gradient.site import Site
from misure_onnx.gradients.onnx_gradient.values import Array


@dataclass(frozen=True)
class Windows:
    """How a kernel moves over an image, a list entry an axis.

    Attributes:
        kernel, strides, dilations: of the operator.
        before, after: padding.
        size: of the image that is read.
        steps: of the result.
    """

    kernel: list[int]
    strides: list[int]
    dilations: list[int]
    before: list[int]
    after: list[int]
    size: list[int]
    steps: list[int]

    @property
    def reach(self) -> list[int]:
        """Distance from a kernel's first tap to its last."""
        return [d * (k - 1) for d, k in zip(self.dilations, self.kernel, strict=True)]

    @property
    def unread(self) -> list[int]:
        """Pixels at the end that no window reaches: the transposed convolution's output padding."""
        spans = zip(self.size, self.before, self.after, self.reach, self.strides, self.steps, strict=True)
        return [size + b + a - reach - 1 - s * (n - 1) for size, b, a, reach, s, n in spans]


def windows_of(site: Site, kernel: list[int]) -> Windows:
    """The windows of a convolution or pooling; `auto_pad` is resolved, and the end is padded as far as windows go."""
    size, steps = list(site.shape()[2:]), list(site.result_shape()[2:])
    ones = [1] * len(kernel)
    strides, dilations = site.integers("strides", ones), site.integers("dilations", ones)
    before, after = _padding(site, kernel, strides, dilations)
    return Windows(kernel, strides, dilations, before, after, size, steps)


def _padding(site: Site, kernel: list[int], strides: list[int], dilations: list[int]) -> tuple[list[int], list[int]]:
    mode, rank = site.text("auto_pad", "NOTSET"), len(kernel)
    if mode in ("NOTSET", "VALID"):
        pads = site.integers("pads", [0] * (2 * rank)) if mode == "NOTSET" else [0] * (2 * rank)
        return pads[:rank], pads[rank:]
    spans = zip(site.shape()[2:], kernel, strides, dilations, strict=True)
    totals = [max((-(-size // s) - 1) * s + d * (k - 1) + 1 - size, 0) for size, k, s, d in spans]
    smaller, larger = [total // 2 for total in totals], [total - total // 2 for total in totals]
    return (smaller, larger) if mode == "SAME_UPPER" else (larger, smaller)


def _conv(site: Site) -> Gradients:
    if site.needs(1) or site.needs(2):
        raise site.refusal("its kernel or bias depends on the image")
    weights = site.required(1)
    windows = windows_of(site, list(weights.shape[2:]))
    return [adjoint(site, site.upstream, weights, windows, site.integer("group", 1))]


def adjoint(site: Site, upstream: str, weights: Array, windows: Windows, groups: int) -> str:
    """d(image) of a convolution with constant weights (O, I / groups, ...).

    Stride 1: a convolution with the flipped kernel. A larger one, without groups: a convolution that gives
    the pixels of a stride's block as channels (four times as fast as a transposed convolution at stride 2); with
    groups: a convolution of the upstream with zeros between its pixels (two to three times as fast).
    Else: a transposed convolution.
    """
    strided, flat = set(windows.strides) != {1}, len(windows.kernel) == 2
    phases = _phases(windows) if strided and flat and groups == 1 else None
    if phases is not None:
        return _by_phases(site, upstream, weights, windows, phases)
    pads = None if strided and not (flat and groups > 1) else _pads_of_flipped(windows)
    if pads is None:
        return _by_transposed_convolution(site, upstream, weights, windows, groups)
    if strided:
        upstream = spread_apart(site.write, upstream, windows.steps, windows.strides)
    kernel = site.write.constant(_flipped(weights, groups))
    return site.write.node("Conv", upstream, kernel, pads=pads, dilations=windows.dilations, group=groups)


def _pads_of_flipped(windows: Windows) -> list[int] | None:
    """Padding of the convolution with the flipped kernel, at stride 1; None where some of it is negative.

    Of larger strides: of the upstream with zeros between its pixels.
    """
    before = [reach - pad for reach, pad in zip(windows.reach, windows.before, strict=True)]
    spans = zip(windows.size, windows.reach, windows.steps, windows.strides, before, strict=True)
    pads = before + [size + reach - steps * stride - b for size, reach, steps, stride, b in spans]
    return pads if min(pads) >= 0 else None


def _flipped(weights: Array, groups: int) -> Array:
    """Kernels (O, I / groups, ...) turned round, input and output channels exchanged within each group."""
    outer, inner, *kernel = weights.shape[0] // groups, *weights.shape[1:]
    exchanged = weights.reshape(groups, outer, inner, *kernel).swapaxes(1, 2).reshape(groups * inner, outer, *kernel)
    return np.asarray(np.flip(exchanged, tuple(range(2, weights.ndim))))


@dataclass(frozen=True)
class _Phase:
    """One axis of a convolution by phases, padding = stride * shift + rest.

    Pixel stride * a + r gets upstream[a + shift - q] * kernel[stride * q + r + rest], summed over q.

    Attributes:
        rest: of the padding.
        first, last: the values of q.
        before, after: padding of the upstream.
    """

    rest: int
    first: int
    last: int
    before: int
    after: int


def _phases(windows: Windows) -> list[_Phase] | None:
    """None where strides differ, kernels are dilated or the padding is unusual."""
    if len(set(windows.strides)) > 1 or set(windows.dilations) != {1}:
        return None
    stride, phases = windows.strides[0], []
    for kernel, pad, size, steps in zip(windows.kernel, windows.before, windows.size, windows.steps, strict=True):
        shift, rest = divmod(pad, stride)
        first, last = (-1 if rest else 0), (kernel - 1 - rest) // stride
        before, after = last - shift, -(-size // stride) + shift - first - steps
        if last < first or before < 0 or after < 0:
            return None
        phases.append(_Phase(rest, first, last, before, after))
    return phases


def _by_phases(site: Site, upstream: str, weights: Array, windows: Windows, phases: list[_Phase]) -> str:
    """Channel (r, c) of the convolution is pixel r of the blocks of channel c."""
    w, stride = site.write, windows.strides[0]
    spans = [phase.last - phase.first + 1 for phase in phases]
    before = [-(phase.first * stride + phase.rest) for phase in phases]  # zeros before the first tap
    padded = np.zeros((*weights.shape[:2], *(span * stride for span in spans)), weights.dtype)
    rows, columns = (
        slice(b, b + k) if b >= 0 else slice(0, k + b) for b, k in zip(before, windows.kernel, strict=True)
    )
    used = weights[:, :, max(-before[0], 0) :, max(-before[1], 0) :]
    padded[:, :, rows, columns] = used
    taps = padded.reshape(*weights.shape[:2], spans[0], stride, spans[1], stride)
    kernel = taps.transpose(3, 5, 1, 0, 2, 4).reshape(-1, weights.shape[0], *spans)
    pads = [*(phase.before for phase in phases), *(phase.after for phase in phases)]
    blocks = w.node("Conv", upstream, w.constant(np.flip(kernel, (2, 3))), pads=pads)
    coarse = [-(-size // stride) for size in windows.size]
    image = blocks_laid_out(w, blocks, [site.shape()[0], weights.shape[1], *coarse], stride)
    for axis, size in enumerate(windows.size):
        image = w.slice(image, 0, size, axis + 2) if size % stride else image
    return image


def _by_transposed_convolution(site: Site, upstream: str, weights: Array, windows: Windows, groups: int) -> str:
    return site.write.node(
        "ConvTranspose", upstream, site.write.constant(weights), strides=windows.strides, dilations=windows.dilations,
        pads=windows.before + windows.after, output_padding=windows.unread, group=groups,
    )  # fmt: skip


def _conv_transpose(site: Site) -> Gradients:
    """The convolution with the same kernel; output pixels that the kernel never reaches are left out by its padding."""
    if site.needs(1) or site.needs(2):
        raise site.refusal("its kernel or bias depends on the image")
    kernel = list(site.required(1).shape[2:])
    ones = [1] * len(kernel)
    strides, dilations = site.integers("strides", ones), site.integers("dilations", ones)
    before = _transposed_padding(site, kernel, strides, dilations)
    spans = zip(site.shape()[2:], site.result_shape()[2:], kernel, strides, dilations, before, strict=True)
    after = [s * (size - 1) + d * (k - 1) + 1 - b - result for size, result, k, s, d, b in spans]
    w, upstream = site.write, site.upstream
    for axis, unread in enumerate(after):
        if unread < 0:
            upstream = w.slice(upstream, 0, site.result_shape()[axis + 2] + unread, axis + 2)
    pads = before + [max(a, 0) for a in after]
    groups = site.integer("group", 1)
    return [w.node("Conv", upstream, site.input(1), strides=strides, dilations=dilations, pads=pads, group=groups)]


def _transposed_padding(site: Site, kernel: list[int], strides: list[int], dilations: list[int]) -> list[int]:
    """The padding at the start; with `output_shape` or SAME_* it follows from the result's size."""
    mode, rank = site.text("auto_pad", "NOTSET"), len(kernel)
    asked = site.integers("output_shape")
    if mode == "VALID":
        return [0] * rank
    if mode == "NOTSET" and not asked:
        return site.integers("pads", [0] * (2 * rank))[:rank]
    extra = site.integers("output_padding", [0] * rank)
    spans = zip(site.shape()[2:], site.result_shape()[2:], kernel, strides, dilations, extra, strict=True)
    totals = [max(s * (size - 1) + e + d * (k - 1) + 1 - result, 0) for size, result, k, s, d, e in spans]
    return [total // 2 if mode == "SAME_UPPER" else total - total // 2 for total in totals]


RULES: dict[str, Rule] = {
    "Conv": _conv,
    "ConvTranspose": _conv_transpose,
}
