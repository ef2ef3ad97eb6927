"""RISE for segmentation: random masks, weighted by how well the object is still found.

Petsiuk et al. 2018 (arXiv 1806.07421) with the Dice coefficient as the score, as MiSuRe's section 4.4 uses it.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Any, ClassVar, Literal, get_args

from misure_onnx.errors import require
from misure_onnx.mask import scaled_to_unit
from misure_onnx.methods.base import Attribution, Method
from misure_onnx.methods.convergence import split_half_correlation, standard_error
from misure_onnx.methods.map_region import require_threshold
from misure_onnx.methods.places import dice_and_places
from misure_onnx.methods.random_masks import RandomMasks, Upsampling
from misure_onnx.methods.sampled_maps import MeanMap, SampledMap, SurrogateMap
from misure_onnx.methods.task import Task
from misure_onnx.methods.value import VALUES, Value
from misure_onnx.perturbation import make_baseline
from misure_onnx.records import SamplingError

Estimator = Literal["surrogate", "mean"]

_SUMMED_TOGETHER = 16
_FIRST_LOOK, _BETWEEN_LOOKS = 125, 500


@dataclass(frozen=True)
class Rise(Method):
    """Saliency = how the Dice of the object goes with the visibility of each pixel over random masks.

    With masks m_i and Dice w_i, i = 1..n, the map is

        debiased:      the covariance of w and m(u)     signed: 0 = no influence
        not debiased:  sum_i w_i m_i / (n * keep)       RISE's eq. 6; holds coverage noise

    and the covariance is estimated in one of two ways: by its definition, sum_i (w_i - mean w) (m_i - mean m) / n,
    or by the covariance of a surrogate with the visibility over thousands of masks that the model never sees. The
    surrogate learns from what the model said of the n masks, place by place, what Dice a mask leaves
    (methods/mask_surrogate.py); with a quarter of the masks or fewer its map is as close to the limit of both
    (docs/rise.md has the measurements), and smoother than the truth where it has seen too little. Implementations in
    the field compute other quantities yet, which docs/rise.md tells apart. Memory does not grow with the number of
    masks.

    Attributes:
        masks: n, at most.
        cells: cells of the random grid along each axis.
        keep: probability that a cell is kept. The paper's author draws a *normal* sample below 0.1,
            which keeps 0.54.
        upsampling: `nearest` keeps hard cells, `linear` blurs them; both are shifted at random by up to a cell.
        debias: which of the two formulas.
        estimator: of the covariance: `surrogate` or `mean`; the formula that is not debiased is a mean.
        tolerance: stop after 125, 250, 500, 1000, 1500, ... masks where the standard error of the map, estimated from
            two halves of them, is at most this share of the map's standard deviation; 0: never.
        threshold: the binary region is the map, scaled to [0, 1], above this value (the paper: 0.2 and 0.4).
        baseline: what replaces hidden pixels.
    """

    name: ClassVar[str] = "rise"
    summary: ClassVar[str] = "random masks weighted by the Dice they leave (forward-only)"
    PRESETS: ClassVar[dict[str, dict[str, Any]]] = {
        "default": {
            "cells": 7,
            "keep": 0.5,
            "upsampling": "linear",
            "debias": True,
            "estimator": "surrogate",
            "threshold": 0.4,
        },
        "paper": {
            "masks": 2000,
            "cells": 7,
            "keep": 0.54,
            "upsampling": "nearest",
            "debias": False,
            "estimator": "mean",
            "tolerance": 0.0,
            "threshold": 0.2,
        },
    }
    DEFAULT_PRESET: ClassVar[str] = "default"

    masks: int = 500
    cells: int = 7
    keep: float = 0.5
    upsampling: Upsampling = "linear"
    debias: bool = True
    estimator: Estimator = "surrogate"
    tolerance: float = 0.0
    threshold: float = 0.4
    baseline: str = "zero"

    def __post_init__(self) -> None:
        require(self.masks >= 2, f"masks must be at least 2, got {self.masks}")
        require(self.cells >= 1, f"cells must be at least 1, got {self.cells}")
        require(0 < self.keep < 1, f"keep must lie between 0 and 1, got {self.keep}")
        for name, kind in (("upsampling", Upsampling), ("estimator", Estimator)):
            value, known = getattr(self, name), get_args(kind)
            require(value in known, f"{name} must be {' or '.join(known)}, got {value}")
        require(
            self.debias or self.estimator == "mean",
            "estimator must be mean where debias is false: the formula that is not debiased is a mean over the masks",
        )
        require(self.tolerance >= 0, f"tolerance must not be negative, got {self.tolerance}")
        require_threshold(self.threshold)

    def attribute(self, task: Task) -> Attribution:
        """Predicts every mask once; the maps of two halves tell how well the whole has converged."""
        baseline = make_baseline(self.baseline, task.image, task.rng())
        drawn = RandomMasks(task.size, self.cells, self.keep, self.upsampling)
        estimate, masks = self._estimate(drawn, task), drawn.drawn(task.rng())
        done, total, looks = 0, 0.0, list[float]()
        for until in self._looks():
            answered = task.answered(islice(masks, until - done), baseline, self._asked)
            while some := list(islice(answered, _SUMMED_TOGETHER)):
                estimate.add(some)
                done, total = done + len(some), total + sum(float(numbers[0]) for _, numbers in some)
                task.progress("rise", done, self.masks)
            saliency, *halves = estimate.maps()
            looks.append(standard_error(*halves))
            if looks[-1] <= self.tolerance:
                break
        agreement = split_half_correlation(*halves)
        note = "no masked image kept the object (every Dice is 0): raise keep, or lower cells"
        return Attribution(
            saliency=saliency,
            soft_mask=scaled_to_unit(saliency),
            region=scaled_to_unit(saliency) > self.threshold,
            baseline=self.baseline,
            status="uninformative" if total == 0 else "ok",
            notes=(note,) if total == 0 else (),
            trace={"split_half_correlation": [agreement], "standard_error": looks, "mean_dice": [total / done]},
            sampling_error=SamplingError("split_half_correlation", agreement, done),
        )

    @property
    def _asked(self) -> Value:
        return dice_and_places if self.estimator == "surrogate" else VALUES["dice"]

    def _estimate(self, drawn: RandomMasks, task: Task) -> SampledMap:
        if self.estimator == "surrogate":
            return SurrogateMap(drawn, self.masks, task.seed)
        return MeanMap(task.size, None if self.debias else self.keep)

    def _looks(self) -> Iterator[int]:
        """Numbers of masks after which the map is looked at; the last one is all of them."""
        look = _FIRST_LOOK
        while self.tolerance and look < self.masks:
            yield look
            look += min(look, _BETWEEN_LOOKS)
        yield self.masks
