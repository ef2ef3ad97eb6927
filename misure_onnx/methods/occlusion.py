"""Occlusion for segmentation: a patch slides over the image; what counts is how much of the object it costs.

Zeiler and Fergus 2014 (arXiv 1311.2901), for segmentation Gipiskis and Kurasova 2023 (CISTI; abstract read, not the
code, which is not public).
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import reduce
from itertools import chain, product
from typing import ClassVar, Literal

import numpy as np
import numpy.typing as npt

from misure_onnx.errors import require
from misure_onnx.images import load_image
from misure_onnx.mask import scaled_to_unit
from misure_onnx.methods.base import Attribution, ChannelMaps, Method
from misure_onnx.methods.map_region import require_threshold
from misure_onnx.methods.task import Task
from misure_onnx.methods.value import VALUES, ValueName
from misure_onnx.perturbation import BASELINES, make_baseline
from misure_onnx.sizes import by
from misure_onnx.types import Images, Mask, SaliencyMap, Size

SMALLEST_PATCH = 8
"""Pixels: a patch given as a share of the image is never smaller."""

_COLOR = re.compile(r"#[0-9a-fA-F]{6}")


@dataclass(frozen=True)
class Occlusion(Method):
    """Saliency = mean loss of value over the patches that cover a pixel.

    With patches g_k (H, W) in [0, 1] and v_k the value of the image seen through the mask 1 - g_k,

        S(u) = sum_k g_k(u) (v - v_k) / sum_k g_k(u),   v the value of the unperturbed image

    which is signed (negative: covering the pixel helps) and in units of the value. Dividing by the coverage makes
    pixels at the border, which fewer patches cover, comparable. Patches lie wholly inside the image; the last of a
    row or column ends at the border. Deterministic.

    Attributes:
        patch: side of the square patch (of a volume: cube): below 1 a share of the image's shortest side, but at least
            8 pixels; from 1 on pixels. A patch larger than the image is cut to it.
        stride: between patches: below 1 a share of the patch (at least a pixel); from 1 on pixels.
        shape: `rectangle`: g = 1 on the patch; `gaussian`: a Gaussian around its centre with a standard
            deviation of a quarter of its side, 0 outside.
        baseline: what is seen instead of the patch: a baseline, or a colour of the picture as #rrggbb.
        channels: `together`: a patch covers all channels of the input. `each`: one channel at a time; the map is the
            sum of the channels' maps, which are kept (channels.npy) with their numbers, and the trace's `channel_drop`
            says what is lost when a channel is replaced everywhere: which MRI sequence, which band?
        ring: width in pixels of the surroundings whose share of a channel's map is reported.
        value: what a prediction is worth: `soft_dice`, `dice`, `mean_probability` or `mean_score`. None gave the
            best order on every image measured (docs/occlusion.md); the soft Dice was never far behind the best.
        threshold: the binary region is the map, scaled to [0, 1], above this value.
    """

    name: ClassVar[str] = "occlusion"
    summary: ClassVar[str] = "a patch slides over the image: how much of the object does it cost? (forward-only)"

    patch: float = 0.1
    stride: float = 0.5
    shape: Literal["rectangle", "gaussian"] = "rectangle"
    baseline: str = "zero"
    value: ValueName = "soft_dice"
    channels: Literal["together", "each"] = "together"
    ring: int = 10
    threshold: float = 0.4

    def __post_init__(self) -> None:
        require(self.patch > 0, f"patch must be positive (a share below 1, pixels from 1 on), got {self.patch}")
        require(self.stride > 0, f"stride must be positive (a share below 1, pixels from 1 on), got {self.stride}")
        require(self.shape in ("rectangle", "gaussian"), f"shape must be rectangle or gaussian, got {self.shape!r}")
        require(
            self.baseline in BASELINES or _COLOR.fullmatch(self.baseline) is not None,
            f"baseline must be {', '.join(BASELINES)} or a colour like #808080, got {self.baseline!r}",
        )
        require(self.value in VALUES, f"value must be {', '.join(VALUES)}, got {self.value!r}")
        require(self.channels in ("together", "each"), f"channels must be together or each, got {self.channels!r}")
        require(self.ring >= 1, f"ring must be at least 1, got {self.ring}")
        require_threshold(self.threshold)

    def attribute(self, task: Task) -> Attribution:
        """One forward a patch, and one for the image itself; with `channels=each` so many for every channel."""
        along = [self._starts(extent, min(task.size)) for extent in task.size]
        places, window = list(product(*(starts for starts, _ in along))), self._window([side for _, side in along])
        covered, each = self._covered_with(task), self.channels == "each"
        covers = list(_by_channel(task.image, covered)) if each else [covered]
        slides = [_slide(self, task, cover, places, window) for cover in covers]
        saliency = np.asarray(sum(slide.map for slide in slides), np.float32)
        silent = not any(drop for slide in slides for drop in slide.drops)
        return Attribution(
            saliency=saliency,
            soft_mask=scaled_to_unit(saliency),
            region=scaled_to_unit(saliency) > self.threshold,
            baseline=self.baseline if self.baseline in BASELINES else "zero",
            status="uninformative" if silent else "ok",
            notes=self._notes(window.shape, len(places), silent=silent),
            channels=self._channels(slides) if each else None,
            trace={
                "value": [slides[0].whole],
                "drop": [drop for slide in slides for drop in slide.drops],
                **({"channel_drop": self._channel_drops(task, covers, slides[0].whole)} if each else {}),
            },
        )

    def _channels(self, slides: "Sequence[_Slide]") -> ChannelMaps:
        return ChannelMaps(np.stack([slide.map for slide in slides]), f"loss of {self.value}", self.ring)

    def _channel_drops(self, task: Task, covers: Sequence[Images], whole: float) -> list[float]:
        """What is lost when each channel is replaced everywhere: one forward a channel."""
        nothing = np.zeros(task.size, np.float32)
        return [whole - value for cover in covers for _, value in task.judged([nothing], cover, value=self.value)]

    def _starts(self, extent: int, shorter: int) -> tuple[list[int], int]:
        """First pixels of the patches along one axis, and their length."""
        side = min(round(self.patch if self.patch >= 1 else max(SMALLEST_PATCH, self.patch * shorter)), extent)
        step = max(1, round(self.stride if self.stride >= 1 else self.stride * side))
        return [*range(0, extent - side, step), extent - side], side

    def _window(self, sides: Sequence[int]) -> Mask:
        """(rows, columns) values of one patch, of a volume (slices, rows, columns)."""
        if self.shape == "rectangle":
            return np.ones(sides, np.float32)
        return np.asarray(reduce(np.multiply.outer, [_bell(side) for side in sides]), np.float32)

    def _covered_with(self, task: Task) -> Images:
        """(1, C, H, W): a baseline, or a picture of one colour in the network's input space."""
        if self.baseline in BASELINES:
            return make_baseline(self.baseline, task.image, task.rng())
        require(len(task.size) == 2, f"baseline: a volume has no colour {self.baseline}; take {', '.join(BASELINES)}")
        color = bytes.fromhex(self.baseline[1:])
        return task.segmenter.prepare(load_image(np.full((*task.size, 3), [*color], np.uint8)))

    def _notes(self, patch: tuple[int, ...], patches: int, *, silent: bool) -> tuple[str, ...]:
        notes = [f"{patches} patches of {by(patch)} pixels"]
        if silent:
            notes.append(f"no patch changed the value ({self.value}): take a larger patch, or another value")
        if self.baseline not in BASELINES:
            notes.append(f"patches were {self.baseline}; the region's own numbers are for the baseline zero")
        return tuple(notes)


@dataclass(frozen=True, eq=False)
class _Slide:
    """One pass of the patch: the map, what each patch cost, and the value of the image."""

    map: SaliencyMap
    drops: list[float]
    whole: float


def _slide(method: Occlusion, task: Task, covered: Images, places: list[tuple[int, ...]], window: Mask) -> _Slide:
    whole_image = [np.ones(task.size, np.float32)]
    masks = chain(whole_image, _through(places, window, task.size))
    judged = task.judged(masks, covered, many=True, value=method.value)
    _, whole = next(judged)
    sums, coverage = np.zeros(task.size), np.zeros(task.size)
    drops: list[float] = []
    for place, (_, value) in zip(places, judged, strict=True):
        drops.append(whole - value)
        patch = _patch(place, window)
        sums[patch] += window * drops[-1]
        coverage[patch] += window
        task.progress("occlusion", len(drops), len(places))
    return _Slide(np.asarray(sums / coverage, np.float32), drops, whole)


def _by_channel(image: Images, covered: Images) -> Iterator[Images]:
    """(1, C, H, W) each: the image with one channel replaced."""
    for channel in range(image.shape[1]):
        one = image.copy()
        one[:, channel] = covered[:, channel]
        yield one


def _patch(place: tuple[int, ...], window: Mask) -> tuple[slice, ...]:
    """Where a window lies whose first pixel is `place`."""
    return tuple(slice(first, first + side) for first, side in zip(place, window.shape, strict=True))


def _through(places: list[tuple[int, ...]], window: Mask, size: Size) -> Iterator[Mask]:
    """(H, W) masks 1 - g_k."""
    for place in places:
        mask = np.ones(size, np.float32)
        mask[_patch(place, window)] -= window
        yield mask


def _bell(length: int) -> npt.NDArray[np.float64]:
    """(length,) Gaussian around the middle, standard deviation length / 4."""
    offset = np.arange(length) - (length - 1) / 2
    return np.asarray(np.exp(-8 * (offset / length) ** 2))
