"""Meaningful perturbation: the smallest smooth deletion that makes the object vanish (Fong and Vedaldi 2017, ICCV)."""

from dataclasses import dataclass
from typing import ClassVar, Literal

import cv2
import numpy as np

from misure_onnx.errors import require
from misure_onnx.gradients.base import Evaluation, PreservationLoss
from misure_onnx.mask import MaskGrid, resize_map, scaled_to_unit
from misure_onnx.methods.base import Attribution, Method
from misure_onnx.methods.map_region import require_threshold
from misure_onnx.methods.optimiser.adamw import AdamW
from misure_onnx.methods.optimiser.route import ROUTES, gradient_of
from misure_onnx.methods.optimiser.total_variation import total_variation
from misure_onnx.methods.task import Task
from misure_onnx.types import FloatArray, Mask, Region, Size

_FOUND = 0.5
"""A Dice from this on counts as found: deletion should end below, preservation above."""


@dataclass(frozen=True)
class MeaningfulPerturbation(Method):
    """A soft mask m (1 = kept) that is optimised to delete the object, or to preserve it.

    With p the mean probability of the class over the object's pixels in the image through m, g the grid of which m
    is the upsampling, and TV its total variation,

        deletion:      min_g  area_weight * mean(1 - g) + smoothness_weight * TV(g) + p(m)     saliency 1 - m
        preservation:  min_g  area_weight * mean(g)     + smoothness_weight * TV(g) - p(m)     saliency m

    (eq. 3 and 5; the paper's score is a classifier's.) The paper's experiments, as its code has
    them: 300 steps of Adam at 0.1, a grid of an eighth of 224 pixels, L1 1e-4 and TV 1e-2 with exponent 3 as *sums*
    over 28 x 28 cells, which are 0.078 and 7.8 as the means used here; a Gaussian blur as baseline; jitter 4 pixels.
    Differences: TV is mean |d_y|^b + mean |d_x|^b, not of the gradient's length; the grid is upsampled bilinearly, not
    repeated and blurred; jitter shifts the mask against the image, not the image under the mask, since the object
    must be found where it is; the start. Their code starts at m = 1, or with a disc deleted that is large enough to
    lose the class. A model that is sure of itself has no slope at m = 1, so here the object itself is deleted at
    the start (or the object alone is kept, in the other game).

    Attributes:
        game: `deletion` or `preservation`.
        mask_size: the grid has mask_size cells along each axis.
        iterations, learning_rate: of Adam (AdamW without weight decay).
        area_weight, smoothness_weight, smoothness_exponent: see above.
        start: `object` (see above), or `ones`: m = 1.
        jitter: the mask is shifted by up to so many pixels along each axis, anew in every step; 0: never.
        baseline: what replaces removed pixels.
        threshold: the binary region is the map, scaled to [0, 1], above this value.
        route: of the gradient.
    """

    name: ClassVar[str] = "meaningful_perturbation"
    summary: ClassVar[str] = "the smallest smooth deletion that makes the object vanish"
    gradient_required: ClassVar[bool] = True
    ROUTES: ClassVar[tuple[str, ...]] = ROUTES

    game: Literal["deletion", "preservation"] = "deletion"
    mask_size: int = 28
    iterations: int = 300
    learning_rate: float = 0.1
    area_weight: float = 0.078
    smoothness_weight: float = 7.8
    smoothness_exponent: float = 3.0
    start: Literal["object", "ones"] = "object"
    jitter: int = 4
    baseline: str = "blur"
    threshold: float = 0.5
    route: str = "auto"

    def __post_init__(self) -> None:
        require(self.game in ("deletion", "preservation"), f"game must be deletion or preservation, got {self.game!r}")
        require(self.start in ("object", "ones"), f"start must be object or ones, got {self.start!r}")
        require(self.mask_size >= 2, f"mask_size must be at least 2, got {self.mask_size}")
        require(self.iterations >= 1, f"iterations must be at least 1, got {self.iterations}")
        require(self.learning_rate > 0, f"learning_rate must be positive, got {self.learning_rate}")
        for name in ("area_weight", "smoothness_weight", "jitter"):
            require(getattr(self, name) >= 0, f"{name} must not be negative, got {getattr(self, name)}")
        require(
            self.smoothness_exponent >= 1, f"smoothness_exponent must be at least 1, got {self.smoothness_exponent}"
        )
        require_threshold(self.threshold)

    def attribute(self, task: Task) -> Attribution:
        """One forward and backward a step, and one for the mask after the last."""
        gradient, notes = gradient_of(task, PreservationLoss(kind="mean_probability"), self.baseline, self.route)
        mask, rng = _JitteredMask(self.mask_size, task.size, self.jitter), task.rng()
        still = (0,) * len(task.size)
        adam = AdamW(self.learning_rate, weight_decay=0.0, epsilon=1e-8)
        values = self._first(task.target.region)
        trace: dict[str, list[float]] = {"loss": [], "dice": [], "area": []}
        for step in range(self.iterations + 1):
            last = step == self.iterations
            shift = still if last else tuple(rng.integers(-self.jitter, self.jitter + 1, len(still)).tolist())
            evaluation = gradient.evaluate(mask.seen(values, shift))
            loss, slope = self._objective(values, evaluation, mask.pull_back(evaluation.gradient, shift))
            for name, value in zip(trace, (loss, evaluation.dice, float(values.mean())), strict=True):
                trace[name].append(value)
            task.progress("meaningful perturbation", step, self.iterations)
            if not last:
                values = np.clip(adam.step(values, slope), 0, 1)
        kept = mask.seen(values, still)
        saliency = np.asarray(1 - kept if self.game == "deletion" else kept, np.float32)
        won = (evaluation.dice < _FOUND) == (self.game == "deletion")
        if not won:
            lost = f"the game was lost: the object's Dice through the last mask is {evaluation.dice:.2f}"
            notes += (f"{lost}; lower area_weight, or take another baseline",)
        return Attribution(
            saliency=saliency,
            soft_mask=np.clip(saliency, 0, 1),
            region=scaled_to_unit(saliency) > self.threshold,
            baseline=self.baseline,
            status="ok" if won else "uninformative",
            notes=notes,
            route=gradient.route,
            fidelity=gradient.fidelity,
            backwards=self.iterations + 1,
            trace=trace,
        )

    def _first(self, thing: Region) -> FloatArray:
        """(mask_size, mask_size) values at the start, of a volume (mask_size, mask_size, mask_size)."""
        size = (self.mask_size,) * thing.ndim
        if self.start == "ones":
            return np.ones(size, np.float32)
        whole = thing.astype(np.float32)
        kept = resize_map(whole, size) if whole.ndim == 3 else cv2.resize(whole, size, interpolation=cv2.INTER_AREA)
        return np.asarray(1 - kept if self.game == "deletion" else kept, np.float32)

    def _objective(self, values: FloatArray, evaluation: Evaluation, by_grid: FloatArray) -> tuple[float, FloatArray]:
        """The loss and its gradient by the grid; the data term is p for deletion, 1 - p for preservation."""
        deletes = self.game == "deletion"
        data, slope = (1 - evaluation.loss, -by_grid) if deletes else (evaluation.loss, by_grid)
        variation, by_variation = total_variation(values, self.smoothness_exponent)
        area = float((1 - values).mean() if deletes else values.mean())
        # |1 - g| has no slope at g = 1: a mask that deletes nothing yet is not held there.
        by_area = np.where(values < 1, -1, 0) if deletes else np.ones_like(values)
        loss = data + self.area_weight * area + self.smoothness_weight * variation
        slope = slope + self.area_weight / values.size * by_area + self.smoothness_weight * by_variation
        return loss, np.asarray(slope, np.float32)


class _JitteredMask:
    """A grid upsampled to the image and a margin around it, of which a window is seen."""

    def __init__(self, mask_size: int, size: Size, margin: int) -> None:
        self._size, self._margin = size, margin
        self._whole = tuple(extent + 2 * margin for extent in size)
        self._grid = MaskGrid((mask_size,) * len(size), self._whole)

    def seen(self, values: FloatArray, shift: tuple[int, ...]) -> Mask:
        """(H, W): the window, shifted along each axis by at most the margin."""
        return np.ascontiguousarray(self._grid.upsample(values)[self._window(shift)])

    def pull_back(self, gradient: FloatArray, shift: tuple[int, ...]) -> FloatArray:
        """Gradient by the window -> gradient by the grid."""
        whole = np.zeros(self._whole, np.float32)
        whole[self._window(shift)] = gradient
        return self._grid.pull_back(whole)

    def _window(self, shift: tuple[int, ...]) -> tuple[slice, ...]:
        return tuple(
            slice(self._margin + s, self._margin + s + extent) for s, extent in zip(shift, self._size, strict=True)
        )
