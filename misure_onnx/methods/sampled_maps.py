"""From random masks and their Dice to RISE's map: by their mean, or by what a surrogate learned from them."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Protocol

import cv2
import numpy as np
import numpy.typing as npt

from misure_onnx.methods.mask_surrogate import fit_surrogate
from misure_onnx.methods.one_thread import one_thread
from misure_onnx.methods.random_masks import RandomMasks
from misure_onnx.methods.value import Numbers
from misure_onnx.processors import usable_cores
from misure_onnx.types import FloatArray, Mask, SaliencyMap, Size

_SHIFTS = 32
_MOST_TOGETHER = 500
"""Masks a surrogate: its cost grows with their cube; the mean of two is about as good as one of twice as many."""

Maps = tuple[SaliencyMap, SaliencyMap, SaliencyMap]


class SampledMap(Protocol):
    """RISE's map, estimated from masks and their values as they come."""

    def add(self, judged: Sequence[tuple[Mask, Numbers]]) -> None:
        """Masks (H, W), each with numbers, the first of which is its Dice."""

    def maps(self) -> Maps:
        """(H, W) each: of all masks, and of two halves of them."""


class MeanMap:
    """A mean over the masks: of (w - mean w) (m - mean m), or RISE's eq. 6; memory does not grow with the masks.

    Args:
        size: of the masks.
        keep: None: the covariance; else the probability that a cell is kept, for eq. 6.
    """

    def __init__(self, size: Size, keep: float | None) -> None:
        self._halves, self._keep = [_Sums(size), _Sums(size)], keep

    def add(self, judged: Sequence[tuple[Mask, Numbers]]) -> None:
        """As `SampledMap`."""
        weighted = [(mask, float(numbers[0])) for mask, numbers in judged]
        self._halves[0].add(weighted[0::2])
        self._halves[1].add(weighted[1::2])

    def maps(self) -> Maps:
        """As `SampledMap`; the halves are the even and the odd masks."""
        first, second = self._halves
        return self._map(first + second), self._map(first), self._map(second)

    def _map(self, sums: "_Sums") -> SaliencyMap:
        n = max(sums.count, 1)
        weighted = sums.weighted / n
        if self._keep is not None:
            return np.asarray(weighted / self._keep, np.float32)
        return np.asarray(weighted - (sums.weight / n) * (sums.masks / n), np.float32)


class SurrogateMap:
    """The covariance under a surrogate of the model, learned from the masks, over masks that the model never saw.

    Every block of masks has a surrogate of its own, and the map is the mean of theirs; memory does not grow with the
    masks. The halves are surrogates of the even and of the odd masks of each block: with half the masks each learns
    less, so that their difference overstates the error of the whole.

    Args:
        masks: how they are drawn.
        count: how many will come, each with the numbers of `methods.places.dice_and_places`.
        seed: of the masks that the model never sees.
    """

    def __init__(self, masks: RandomMasks, count: int, seed: int) -> None:
        self._masks, self._seed = masks, seed
        self._block = -(-count // -(-count // _MOST_TOGETHER))
        self._samples: list[FloatArray] = []
        self._values: list[Numbers] = []
        self._blocks = 0
        self._closed = 0
        self._sums: npt.NDArray[np.float64] = np.zeros((3, *masks.size))

    def add(self, judged: Sequence[tuple[Mask, Numbers]]) -> None:
        """As `SampledMap`."""
        for mask, numbers in judged:
            self._samples.append(self._masks.samples(mask))
            self._values.append(numbers)
            if len(self._values) == self._block:
                self._close()

    def maps(self) -> Maps:
        """As `SampledMap`."""
        sums, count = self._sums, self._closed
        if self._values:
            sums, count = sums + len(self._values) * self._of_open_block(), count + len(self._values)
        whole, first, second = np.asarray(sums / max(count, 1), np.float32)
        return whole, first, second

    def _close(self) -> None:
        self._sums += len(self._values) * self._of_open_block()
        self._closed += len(self._values)
        self._blocks += 1
        self._samples, self._values = [], []

    def _of_open_block(self) -> FloatArray:
        """(3, H, W): maps of all its masks, and of the even and the odd ones on fewer new masks, the same for both.

        The halves cost half as much as the whole, so that two threads are busy: forwards would wait for one.
        """
        samples, values = np.stack(self._samples), np.stack(self._values)
        dice, places = values[:, 0], np.asarray(values[:, 1:], np.float32)
        parts, shifts = (slice(None), slice(0, None, 2), slice(1, None, 2)), (_SHIFTS, _SHIFTS // 4, _SHIFTS // 4)

        def learned(part: slice, count: int) -> SaliencyMap:
            fitted = fit_surrogate(samples[part], dice[part], places[part])
            return self._masks.covariance(fitted, self._new_masks(), count)

        with one_thread(), ThreadPoolExecutor(min(2, usable_cores())) as threads:
            return np.stack(list(threads.map(learned, parts, shifts)))

    def _new_masks(self) -> np.random.Generator:
        return np.random.default_rng((self._seed, 1 + self._blocks))


class _Sums:
    """Running sums over masks."""

    def __init__(self, size: Size) -> None:
        self.count = 0
        self.weight = 0.0
        self.masks: npt.NDArray[np.float64] = np.zeros(size)
        self.weighted: npt.NDArray[np.float64] = np.zeros(size)

    def add(self, judged: Sequence[tuple[Mask, float]]) -> None:
        """Masks (H, W) with their weights."""
        if not judged:
            return
        self.count += len(judged)
        self.weight += sum(weight for _, weight in judged)
        # Single precision within a few masks, double between: ten times faster, and as exact as it matters.
        flat = (self.masks.shape[0], -1)  # OpenCV takes a third axis for channels
        masks, weighted = (np.zeros(self.masks.shape, np.float32).reshape(flat) for _ in range(2))
        for mask, weight in judged:
            cv2.accumulate(mask.reshape(flat), masks)
            cv2.scaleAdd(mask.reshape(flat), weight, weighted, weighted)
        self.masks += masks.reshape(self.masks.shape)
        self.weighted += weighted.reshape(self.masks.shape)

    def __add__(self, other: "_Sums") -> "_Sums":
        total = _Sums(self.masks.shape)
        total.count, total.weight = self.count + other.count, self.weight + other.weight
        total.masks, total.weighted = self.masks + other.masks, self.weighted + other.weighted
        return total
