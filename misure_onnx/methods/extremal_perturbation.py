"""Extremal perturbation: the mask of a given area that preserves the object best (Fong et al. 2019, ICCV)."""

import math
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from misure_onnx.errors import ParameterError, require
from misure_onnx.gradients.base import MaskGradient, PreservationLoss
from misure_onnx.mask import MaskGrid
from misure_onnx.methods.base import Attribution, Method
from misure_onnx.methods.optimiser.adamw import AdamW
from misure_onnx.methods.optimiser.route import ROUTES, gradient_of
from misure_onnx.methods.optimiser.smooth_maximum import SmoothMaximum
from misure_onnx.methods.sufficiency import dice_of
from misure_onnx.methods.task import Task
from misure_onnx.perturbation import make_baseline
from misure_onnx.types import FloatArray, Mask, Region

_CELLS_A_DEVIATION = 2
_MOST_CELLS = 64
"""Along the longer side of the grid."""


@dataclass(frozen=True)
class ExtremalPerturbation(Method):
    """The smallest of several areas at which the best smooth mask lets the model find the object.

    For an area of a pixels, with m the bilinear upsampling of the smooth maximum of a grid g (see `SmoothMaximum`),

        min_g  1 - D(p_l through top_a(m), y) + area_weight * mean over pixels of (m - top_a(m))^2

    top_a(m) is 1 on the a pixels with the largest m and 0 elsewhere, so the second term is the paper's area constraint
    (eq. 4: the sorted mask against a sorted 0/1 vector), and D the soft Dice (the paper: a classifier's score; this is
    its preservation game). As in MiSuRe's area sweep the model sees the binary mask, and the gradient is passed
    straight through: a soft mask passes with grey pixels that the region then lacks. The area shrinks from the whole
    image, geometrically, during the first half of the steps. Areas are tried from small to large, each from g = 1;
    the first whose mask of the highest Dice has a hard Dice above tau on the deployed model is the answer. The
    whole image, tried last, always is one.

    Further differences from the authors' code: areas are multiples of the object's, not shares of the image; 100 steps
    of Adam instead of 800 of momentum; a constant weight, against 300 and growing (their scores are far above 1); one
    baseline, not a pyramid of blurs; no flips as jitter.

    Attributes:
        tau: Dice that the region must exceed.
        areas: over the object's area, ascending, separated by commas; those beyond the image are the image.
        iterations: steps an area (at least 2).
        learning_rate: of Adam (AdamW without weight decay).
        area_weight: see above; large: masks decide early.
        smoothing: standard deviation of the smooth maximum's kernel, as a share of the object's side (the square root
            of its area). The grid has two cells a standard deviation, but at most 64 along its longer side.
        baseline: what replaces removed pixels.
        route: of the gradient.

    The trace has the ratio and the deployed model's Dice of every area tried; 0 is no pixel at all.
    """

    name: ClassVar[str] = "extremal_perturbation"
    summary: ClassVar[str] = "the smooth mask of the smallest area with which the model finds the object"
    serves_volumes: ClassVar[bool] = False
    gradient_required: ClassVar[bool] = True
    ROUTES: ClassVar[tuple[str, ...]] = ROUTES

    tau: float = 0.9
    areas: str = "0.1,0.25,0.5,1,2,4,8"
    iterations: int = 100
    learning_rate: float = 0.05
    area_weight: float = 1.0
    smoothing: float = 0.1
    baseline: str = "zero"
    route: str = "auto"

    def __post_init__(self) -> None:
        require(0 <= self.tau < 1, f"tau must lie in [0, 1), got {self.tau}")
        ratios = self.ratios()
        require(
            bool(ratios) and ratios[0] > 0 and list(ratios) == sorted(set(ratios)),
            f"areas must be positive and ascending, got {self.areas!r}",
        )
        require(self.iterations >= 2, f"iterations must be at least 2, got {self.iterations}")
        for name in ("learning_rate", "area_weight", "smoothing"):
            require(getattr(self, name) > 0, f"{name} must be positive, got {getattr(self, name)}")

    def ratios(self) -> tuple[float, ...]:
        """`areas` as numbers.

        Raises:
            ParameterError: they are none.
        """
        try:
            return tuple(float(text) for text in self.areas.split(","))
        except ValueError as error:
            raise ParameterError(f"areas must be numbers separated by commas, got {self.areas!r}") from error

    def attribute(self, task: Task) -> Attribution:
        """`iterations` forwards and backwards an area, and one forward to judge its region."""
        loss = PreservationLoss(alpha_target=1.0, alpha_background=0.0)
        gradient, notes = gradient_of(task, loss, self.baseline, self.route)
        replaced = make_baseline(self.baseline, task.image, task.rng())
        pixels, tried, trace = int(task.target.region.sum()), 0, {"ratio": list[float](), "dice": list[float]()}
        for ratio in (0.0, *self.ratios(), math.inf):
            area = round(min(ratio * pixels, task.target.region.size))
            mask = np.full(task.size, float(area > 0), np.float32)
            region = mask > 0
            if 0 < area < mask.size:
                mask, region = self._optimised(gradient, area, task, tried)
                tried += 1
            trace["ratio"].append(area / pixels)
            trace["dice"].append(dice_of(task, region, replaced))
            if trace["dice"][-1] > self.tau:
                break
        if area == 0:
            notes += ("the model finds the object without seeing any of the image: no pixel is needed",)
        return Attribution(
            saliency=mask,
            soft_mask=mask,
            region=region,
            tau=self.tau,
            baseline=self.baseline,
            status="saturated" if area == mask.size else "ok",
            notes=notes,
            route=gradient.route,
            fidelity=gradient.fidelity,
            backwards=tried * self.iterations,
            trace=trace,
        )

    def _optimised(self, gradient: MaskGradient, area: int, task: Task, tried: int) -> tuple[Mask, Region]:
        """(H, W) m and its `area` largest pixels: of the steps at the final area, the one with the highest Dice."""
        smooth, grid = self._parametrisation(task)
        values: FloatArray = np.ones(grid.grid_size, np.float32)
        adam = AdamW(self.learning_rate, weight_decay=0.0, epsilon=1e-8)
        importance = np.zeros(task.size, np.float32)
        highest = -1.0
        shrinking = self.iterations // 2
        for k in range(self.iterations):
            mask = grid.upsample(smooth.forward(values))
            now = round(mask.size * (area / mask.size) ** min(1, k / shrinking))
            region = largest_pixels(mask, now, importance)
            evaluation = gradient.evaluate(region.astype(np.float32))
            if now == area and evaluation.dice > highest:
                best, highest = (mask, region), evaluation.dice
            importance -= evaluation.gradient
            slope = evaluation.gradient + np.float32(self.area_weight * 2 / mask.size) * (mask - region)
            slope = smooth.pull_back(values, grid.pull_back(slope))
            values = np.clip(adam.step(values, slope), 0, 1)
            done = tried * self.iterations + k + 1
            task.progress("extremal perturbation", done, len(self.ratios()) * self.iterations)
        return best

    def _parametrisation(self, task: Task) -> tuple[SmoothMaximum, MaskGrid]:
        deviation = max(1.0, self.smoothing * math.sqrt(int(task.target.region.sum())))
        step = max(1.0, deviation / _CELLS_A_DEVIATION, max(task.size) / _MOST_CELLS)
        cells = (math.ceil(task.size[0] / step), math.ceil(task.size[1] / step))
        return SmoothMaximum(deviation / step), MaskGrid(cells, task.size)


def largest_pixels(mask: Mask, area: int, importance: FloatArray) -> Region:
    """(H, W): so many pixels with the largest values; equal ones by importance."""
    order = np.lexsort((importance.ravel(), mask.ravel()))
    region = np.zeros(mask.size, bool)
    region[order[mask.size - area :]] = True
    return region.reshape(mask.shape)
