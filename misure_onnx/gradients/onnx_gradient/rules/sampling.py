"""GridSample: reading an image at computed places (opset 16), in two and three dimensions."""

from dataclasses import dataclass
from itertools import product as combinations

import numpy as np
import onnx

from misure_onnx.gradients.onnx_gradient.rules.rule import Gradients, Rule
from misure_onnx.gradients.onnx_gradient.site import Site, product

_LINEAR, _NEAREST = ("linear", "bilinear"), "nearest"


@dataclass(frozen=True)
class _Place:
    """Where along one axis every sample is read; the names are of tensors (samples, 1).

    Attributes:
        taps: pixel index (float, whole) and weight of each pixel that is read.
        slope: d(position in pixels)/d(grid).
        size: of the axis, in pixels.
    """

    taps: list[tuple[str, str]]
    slope: str
    size: int


@dataclass(frozen=True)
class _Corner:
    """One pixel that every sample reads, (samples, 1) a tensor.

    Attributes:
        choice: which tap along each axis.
        row: the pixel's row in the image as rows of channels, int64.
        inside: 1 where the pixel exists, 0 in the padding.
    """

    choice: tuple[int, ...]
    row: str
    inside: str


def _grid_sample(site: Site) -> Gradients:
    """Every sample is a weighted sum of pixels: dx adds the shares up, dgrid is the weights' slope times the pixels."""
    mode = site.text("mode", "linear")
    if mode not in _LINEAR and mode != _NEAREST:
        raise site.refusal(f"mode {mode!r}; linear and nearest are known")
    places = [_place(site, axis, linear=mode in _LINEAR) for axis in range(len(site.shape()) - 2)]
    corners = [_corner(site, places, choice) for choice in combinations(*(range(len(p.taps)) for p in places))]
    upstream = _rows(site, site.upstream, site.result_shape())
    image = _image_gradient(site, places, corners, upstream) if site.needs(0) else None
    grid = None
    if site.needs(1) and mode != _NEAREST:
        grid = _grid_gradient(site, places, corners, upstream)
    elif site.needs(1):
        grid = site.write.expand(site.write.number(0), site.shape(1))
    return [image, grid]


def _rows(site: Site, tensor: str, shape: tuple[int, ...]) -> str:
    """(N, C, ...) -> (N * pixels, C)."""
    w, channels = site.write, shape[1]
    flat = w.transpose(w.reshape(tensor, [shape[0], channels, product(shape[2:])]), [0, 2, 1])
    return w.reshape(flat, [-1, channels])


def _place(site: Site, axis: int, *, linear: bool) -> _Place:
    """The grid's last axis lists the image's axes from the last to the first."""
    w, size, rank = site.write, site.shape()[axis + 2], len(site.shape()) - 2
    column = w.reshape(w.slice(site.input(1), rank - 1 - axis, rank - axis, rank + 1), [-1, 1])
    aligned = bool(site.integer("align_corners", 0))
    scale, shift = ((size - 1) / 2, (size - 1) / 2) if aligned else (size / 2, (size - 1) / 2)
    position, slope = _padded(site, w.add(w.scaled(column, scale), w.number(shift)), size, aligned=aligned)
    if not linear:
        return _Place([(w.node("Round", position), w.number(1))], slope, size)
    low = w.node("Floor", position)
    share = w.subtract(position, low)
    taps = [(low, w.subtract(w.number(1), share)), (w.add(low, w.number(1)), share)]
    return _Place(taps, w.scaled(slope, scale), size)


def _padded(site: Site, position: str, size: int, *, aligned: bool) -> tuple[str, str]:
    """Positions outside, moved inside by `border` and `reflection`; and what that does to the slope."""
    w, padding = site.write, site.text("padding_mode", "zeros")
    slope = w.number(1)
    if padding == "zeros":
        return position, slope
    if padding == "reflection":
        low, span = (0.0, size - 1.0) if aligned else (-0.5, float(size))
        position, slope = _reflected(site, position, low, span)
    clipped = w.node("Clip", position, w.number(0), w.number(size - 1))
    return clipped, w.multiply(slope, w.indicator(w.node("Equal", clipped, position)))


def _reflected(site: Site, position: str, low: float, span: float) -> tuple[str, str]:
    """Back and forth between low and low + span, and the direction: 1 forth, -1 back."""
    w = site.write
    if span == 0:
        return w.scaled(position, 0), w.number(0)
    distance = w.subtract(position, w.number(low))
    periods = w.node("Floor", w.add(w.scaled(distance, 1 / (2 * span)), w.number(0.5)))
    around = w.subtract(distance, w.scaled(periods, 2 * span))  # in -span ... span
    return w.add(w.node("Abs", around), w.number(low)), w.node("Sign", around)


def _corner(site: Site, places: list[_Place], choice: tuple[int, ...]) -> _Corner:
    w, batch = site.write, site.shape()[0]
    samples = product(site.result_shape()[2:])
    pixels = product(site.shape()[2:])
    row = w.constant(np.repeat(np.arange(batch, dtype=np.int64) * pixels, samples)[:, None])
    inside, stride = "", pixels
    for place, tap in zip(places, choice, strict=True):
        stride //= place.size
        index = place.taps[tap][0]
        clipped = w.node("Clip", index, w.number(0), w.number(place.size - 1))
        exists = w.indicator(w.node("Equal", clipped, index))
        inside = w.multiply(inside, exists) if inside else exists
        whole = w.node("Cast", clipped, to=onnx.TensorProto.INT64)
        row = w.add(row, w.multiply(whole, w.integers([stride])))
    return _Corner(choice, row, inside)


def _weight(site: Site, places: list[_Place], corner: _Corner, without: int | None = None) -> str:
    """The corner's share of a sample, 0 in the padding; or that share's factor from all axes but one."""
    weight = corner.inside
    for axis, (place, tap) in enumerate(zip(places, corner.choice, strict=True)):
        if axis != without:
            weight = site.write.multiply(weight, place.taps[tap][1])
    return weight


def _image_gradient(site: Site, places: list[_Place], corners: list[_Corner], upstream: str) -> str:
    w, (batch, channels, *size) = site.write, site.shape()
    shares = [w.multiply(upstream, _weight(site, places, corner)) for corner in corners]
    rows = [corner.row for corner in corners]
    zeros = w.expand(w.number(0), [batch * product(size), channels])
    added = w.node(
        "ScatterND", zeros, w.node("Concat", *rows, axis=0), w.node("Concat", *shares, axis=0), reduction="add"
    )
    return w.reshape(w.transpose(w.reshape(added, [batch, product(size), channels]), [0, 2, 1]), site.shape())


def _grid_gradient(site: Site, places: list[_Place], corners: list[_Corner], upstream: str) -> str:
    w, image = site.write, _rows(site, site.input(0), site.shape())
    sums = [""] * len(places)
    for corner in corners:
        pixels = w.node("Gather", image, w.reshape(corner.row, [-1]), axis=0)
        asked = w.sum(w.multiply(pixels, upstream), [1])
        for axis in range(len(places)):
            change = w.multiply(asked, _weight(site, places, corner, without=axis))
            change = change if corner.choice[axis] else w.negated(change)
            sums[axis] = w.add(sums[axis], change) if sums[axis] else change
    columns = [w.multiply(total, place.slope) for total, place in zip(sums, places, strict=True)]
    return w.reshape(w.node("Concat", *columns[::-1], axis=1), site.shape(1))


RULES: dict[str, Rule] = {
    "GridSample": _grid_sample,
}
