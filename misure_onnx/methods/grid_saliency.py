"""Grid saliency: which context of an object does the model need? (Hoyer et al. 2019, NeurIPS)."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from misure_onnx.errors import require
from misure_onnx.gradients.base import MaskGradient, PreservationLoss
from misure_onnx.mask import MaskGrid, scaled_to_unit
from misure_onnx.methods.base import Attribution, Method
from misure_onnx.methods.map_region import require_threshold
from misure_onnx.methods.optimiser.momentum import Momentum
from misure_onnx.methods.optimiser.route import ROUTES, gradient_of
from misure_onnx.methods.task import Task
from misure_onnx.types import FloatArray, Mask


@dataclass(frozen=True)
class GridSaliency(Method):
    """The context that keeps the object's probability up, the object itself always being seen.

    With R the object (1 on its pixels) and a coarse grid g of mask values in [0, 1], M = upsample(g),

        min_g  area_weight * sum(g) + mean over R of max(p_l(x) - p_l(x'), 0)
        x' = x through the mask R + M (1 - R): the object stays, M governs the rest alone

    p_l is the class's probability: only a drop costs, a rise is worth nothing. The saliency map is M (1 - R) of the
    lowest loss met on the way, no context at all (g = 0) included: 0 on the object, and 0 everywhere where the object
    alone is as good. The region is the object and the context that exceeds the threshold, so its ratio is at least 1.

    The paper leaves open, and here is: gradient descent with momentum, its rates and the start at 0.5 (a
    re-implementation's, which calls them incomplete); area_weight on the sum over the grid's cells, not over pixels;
    bilinear upsampling without the erosion that follows it there; one baseline, chosen by the caller. There, values up
    to 0.2 become 0 after every step. Where the model is sure of itself, all cells sink side by side until that step
    removes the whole context at once, the needed one included (so it is on the bundled model): it is off by default.

    Attributes:
        mask_size: the grid has so many cells along each axis: coarse, as a cell must be worth more than area_weight.
        area_weight: what a cell costs, in units of probability.
        iterations: steps.
        learning_rate, momentum: of gradient descent.
        start: the grid's value before the first step.
        clamp_below: values up to this become 0 after every step (absorbing in practice).
        threshold: the region's context is the map, scaled to [0, 1], above this value.
        baseline: what replaces hidden context.
        route: of the gradient.
    """

    name: ClassVar[str] = "grid_saliency"
    summary: ClassVar[str] = "the context that the object needs, the object itself being kept"
    gradient_required: ClassVar[bool] = True
    ROUTES: ClassVar[tuple[str, ...]] = ROUTES

    mask_size: int = 16
    area_weight: float = 0.02
    iterations: int = 100
    learning_rate: float = 0.2
    momentum: float = 0.5
    start: float = 0.5
    clamp_below: float = 0.0
    threshold: float = 0.2
    baseline: str = "zero"
    route: str = "auto"

    def __post_init__(self) -> None:
        require(self.mask_size >= 2, f"mask_size must be at least 2, got {self.mask_size}")
        require(self.area_weight >= 0, f"area_weight must not be negative, got {self.area_weight}")
        require(self.iterations >= 1, f"iterations must be at least 1, got {self.iterations}")
        require(self.learning_rate > 0, f"learning_rate must be positive, got {self.learning_rate}")
        require(0 <= self.momentum < 1, f"momentum must lie in [0, 1), got {self.momentum}")
        require(0 <= self.start <= 1, f"start must lie in [0, 1], got {self.start}")
        require(0 <= self.clamp_below < 1, f"clamp_below must lie in [0, 1), got {self.clamp_below}")
        require_threshold(self.threshold)

    def attribute(self, task: Task) -> Attribution:
        """One forward and backward a step, and one for no context."""
        gradient, notes = gradient_of(task, PreservationLoss(kind="score_drop"), self.baseline, self.route)
        thing = task.target.region.astype(np.float32)
        context, trace = self._optimised(gradient, thing, task)
        if not context.any():
            notes += ("no context met on the way lowers the loss: the object alone is as good",)
        return Attribution(
            saliency=context,
            soft_mask=thing + context,
            region=task.target.region | (scaled_to_unit(context) > self.threshold),
            baseline=self.baseline,
            notes=notes,
            route=gradient.route,
            fidelity=gradient.fidelity,
            backwards=self.iterations + 1,
            trace=trace,
        )

    def _optimised(self, gradient: MaskGradient, thing: Mask, task: Task) -> tuple[Mask, dict[str, list[float]]]:
        """M (1 - R) of the lowest loss, no context included, and the losses on the way."""
        grid, rest = MaskGrid((self.mask_size,) * len(task.size), task.size), 1 - thing
        values: FloatArray = np.full(grid.grid_size, self.start, np.float32)
        descent = Momentum(self.learning_rate, self.momentum)
        best, lowest = np.zeros_like(thing), gradient.evaluate(thing).loss
        trace: dict[str, list[float]] = {"loss_without_context": [lowest], "loss": [], "dice": [], "area": []}
        for step in range(self.iterations):
            context = grid.upsample(values) * rest
            evaluation = gradient.evaluate(thing + context)
            loss = evaluation.loss + self.area_weight * float(values.sum())
            if loss < lowest:
                best, lowest = context, loss
            trace["loss"].append(loss)
            trace["dice"].append(evaluation.dice)
            trace["area"].append(float(values.mean()))
            task.progress("grid saliency", step + 1, self.iterations)
            slope = grid.pull_back(evaluation.gradient * rest) + np.float32(self.area_weight)
            moved = descent.step(values, slope)
            values = np.where(moved <= self.clamp_below, 0, np.clip(moved, 0, 1)).astype(np.float32)
        return best, trace
