"""RISE for segmentation: random masks, weighted by how well the object is still found.

Petsiuk et al. 2018 (arXiv 1806.07421) with the Dice coefficient as the score, as MiSuRe's section 4.4 uses it.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any, ClassVar, Literal

import cv2
import numpy as np
import numpy.typing as npt

from misure_onnx.mask import resize_map, scaled_to_unit
from misure_onnx.methods.base import Attribution, Method, require
from misure_onnx.methods.convergence import split_half_correlation
from misure_onnx.methods.map_region import require_threshold
from misure_onnx.methods.task import Task
from misure_onnx.perturbation import make_baseline
from misure_onnx.records import SamplingError
from misure_onnx.types import Mask, SaliencyMap, Size

_SUMMED_TOGETHER = 16


@dataclass(frozen=True)
class Rise(Method):
    """Saliency = how the Dice of the object goes with the visibility of each pixel over random masks.

    With masks m_i and Dice w_i, i = 1..n, the map is

        debiased:      sum_i (w_i - mean w) (m_i - mean m) / n    signed: 0 = no influence
        not debiased:  sum_i w_i m_i / (n * keep)                 RISE's eq. 6; holds coverage noise

    Implementations in the field compute five different quantities (docs/rise.md); these two are stated here and
    nothing else is done to the numbers. Memory does not grow with the number of masks.

    Attributes:
        masks: n.
        cells: cells of the random grid along each axis.
        keep: probability that a cell is kept. The paper's author draws a *normal* sample below 0.1,
            which keeps 0.54.
        upsampling: `nearest` keeps hard cells, `linear` blurs them; both are shifted at random by up to a cell.
        debias: which of the two formulas.
        threshold: the binary region is the map, scaled to [0, 1], above this value (the paper: 0.2 and 0.4).
        baseline: what replaces hidden pixels.
    """

    name: ClassVar[str] = "rise"
    summary: ClassVar[str] = "random masks weighted by the Dice they leave (forward-only)"
    PRESETS: ClassVar[dict[str, dict[str, Any]]] = {
        "default": {"cells": 7, "keep": 0.5, "upsampling": "linear", "debias": True, "threshold": 0.4},
        "paper": {"masks": 2000, "cells": 7, "keep": 0.54, "upsampling": "nearest", "debias": False, "threshold": 0.2},
    }
    DEFAULT_PRESET: ClassVar[str] = "default"

    masks: int = 2000
    cells: int = 7
    keep: float = 0.5
    upsampling: Literal["nearest", "linear"] = "linear"
    debias: bool = True
    threshold: float = 0.4
    baseline: str = "zero"

    def __post_init__(self) -> None:
        require(self.masks >= 2, f"masks must be at least 2, got {self.masks}")
        require(self.cells >= 1, f"cells must be at least 1, got {self.cells}")
        require(0 < self.keep < 1, f"keep must lie between 0 and 1, got {self.keep}")
        require(
            self.upsampling in ("nearest", "linear"), f"upsampling must be nearest or linear, got {self.upsampling}"
        )
        require_threshold(self.threshold)

    def attribute(self, task: Task) -> Attribution:
        """Predicts every mask once; sums over even and odd masks tell how well the map has converged."""
        baseline = make_baseline(self.baseline, task.image, task.rng())
        halves = [_Sums(task.size), _Sums(task.size)]
        judged, done = task.judged(self._random_masks(task), baseline, many=True), 0
        while some := list(islice(judged, _SUMMED_TOGETHER)):
            halves[0].add(some[0::2])
            halves[1].add(some[1::2])
            done += len(some)
            task.progress("rise", done, self.masks)
        total = halves[0] + halves[1]
        saliency = self._map(total)
        agreement = split_half_correlation(self._map(halves[0]), self._map(halves[1]))
        silent = total.weight == 0
        note = "no masked image kept the object (every Dice is 0): raise keep, or lower cells"
        return Attribution(
            saliency=saliency,
            soft_mask=scaled_to_unit(saliency),
            region=scaled_to_unit(saliency) > self.threshold,
            baseline=self.baseline,
            status="uninformative" if silent else "ok",
            notes=(note,) if silent else (),
            trace={"split_half_correlation": [agreement], "mean_dice": [total.weight / total.count]},
            sampling_error=SamplingError("split_half_correlation", agreement, self.masks),
        )

    def _random_masks(self, task: Task) -> Iterator[Mask]:
        """(H, W) each: RISE's section 3.2.

        A cells x cells grid, stretched to one cell more than the image, and cropped at a random shift of less than a
        cell.
        """
        rng = task.rng()
        cell = tuple(-(-extent // self.cells) for extent in task.size)
        for _ in range(self.masks):
            grid = (rng.random((self.cells,) * len(cell)) < self.keep).astype(np.float32)
            shift = [rng.integers(0, extent) for extent in cell]
            large = self._stretched(grid, cell)
            part = tuple(slice(first, first + extent) for first, extent in zip(shift, task.size, strict=True))
            yield np.asarray(large[part], np.float32)

    def _stretched(self, grid: Mask, cell: Size) -> Mask:
        """A grid of cells to (cells + 1) * cell pixels along each axis."""
        grown = tuple(extent * (self.cells + 1) for extent in cell)
        if self.upsampling == "linear":
            return resize_map(grid, grown)
        for axis, extent in enumerate(grown):  # the cell of pixel p is floor(p * cells / extent), as OpenCV has it
            grid = grid.take(np.arange(extent) * self.cells // extent, axis=axis)
        return grid

    def _map(self, sums: "_Sums") -> SaliencyMap:
        if sums.count == 0:
            return np.zeros(sums.masks.shape, np.float32)
        weighted = sums.weighted / sums.count
        if self.debias:
            return np.asarray(weighted - (sums.weight / sums.count) * (sums.masks / sums.count), np.float32)
        return np.asarray(weighted / self.keep, np.float32)


class _Sums:
    """Running sums over masks: all the memory that RISE needs."""

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
