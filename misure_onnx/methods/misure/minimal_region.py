"""Stage 2 of MiSuRe to the letter (eq. 1): prune the sufficient region by optimising a soft mask on it."""

from dataclasses import dataclass, field

import numpy as np

from misure_onnx.gradients.base import Evaluation, MaskGradient
from misure_onnx.mask import MaskGrid, resize_region
from misure_onnx.methods.optimiser.adamw import AdamW
from misure_onnx.methods.optimiser.total_variation import total_variation
from misure_onnx.methods.progress import Progress
from misure_onnx.types import FloatArray, Mask, Region, Size


@dataclass(frozen=True)
class Schedule:
    """How the mask is optimised; the fields of `MiSuRe` of the same names say what they do."""

    iterations: int
    learning_rate: float
    weight_decay: float
    adam_epsilon: float
    area_weight: float
    smoothness_weight: float
    smoothness_exponent: float
    clamp_below: float


@dataclass(frozen=True, eq=False)
class MaskCandidate:
    """A mask met on the way: soft values and binary region at the network's size, and the route's own Dice."""

    soft: Mask
    region: Region
    dice: float
    iteration: int

    @property
    def area(self) -> int:
        """Pixels kept."""
        return int(self.region.sum())


@dataclass(frozen=True, eq=False)
class OptimisedMask:
    """What an optimisation gives.

    Attributes:
        final: the mask after the last step.
        feasible: every mask smaller than all before it that was sufficient, smallest first.
        evaluations: forwards and backwards through the route.
        trace: what was recorded, a value an iteration.
        first: what a sweep along gradients began with; None: there was none.
    """

    final: MaskCandidate
    feasible: tuple[MaskCandidate, ...]
    evaluations: int
    trace: dict[str, list[float]] = field(default_factory=dict)
    first: Evaluation | None = None


def optimise_mask(
    gradient: MaskGradient, sufficient: Region, grid_size: Size, schedule: Schedule, progress: Progress
) -> OptimisedMask:
    """Minimises eq. 1 over a grid of mask values, all one at the start, inside the sufficient region.

    The mask is M = upsample(grid) * M_SR, and the loss is

        area_weight * mean(M) + smoothness_weight * TV(grid) + preservation(x through M)
    """
    mask = _MaskInProgress(sufficient, grid_size, schedule)
    trace: dict[str, list[float]] = {"loss": [], "dice": [], "area": []}
    for iteration in range(schedule.iterations + 1):
        soft = mask.soft()
        evaluation = gradient.evaluate(soft)
        measured = (evaluation.loss + mask.penalty(soft), evaluation.dice, float(soft.mean()))
        for name, value in zip(trace, measured, strict=True):
            trace[name].append(value)
        progress("minimal region", iteration, schedule.iterations)
        if iteration < schedule.iterations:
            mask.step(evaluation)
    final = MaskCandidate(soft, soft > 0, evaluation.dice, iteration)
    return OptimisedMask(final, (), len(trace["loss"]), trace)


class _MaskInProgress:
    """The grid's values and their optimiser: everything that changes from step to step."""

    def __init__(self, sufficient: Region, grid_size: Size, schedule: Schedule) -> None:
        self._schedule, self._grid = schedule, MaskGrid(grid_size, sufficient.shape)
        values = resize_region(sufficient, grid_size).astype(np.float32)
        if not values.any():  # thinner than a grid cell: start from every cell, the region still confines the mask
            values = np.ones(grid_size, np.float32)
        self._values, self._start = values, values.copy()
        self._inside = sufficient.astype(np.float32)
        self._optimiser = AdamW(schedule.learning_rate, schedule.weight_decay, schedule.adam_epsilon)

    def soft(self) -> Mask:
        """(H, W) in [0, 1]."""
        return np.asarray(self._grid.upsample(self._values) * self._inside, np.float32)

    def penalty(self, soft: Mask) -> float:
        """Area and smoothness terms of the loss."""
        return self._schedule.area_weight * float(soft.mean()) + self._smoothness()[0]

    def step(self, evaluation: Evaluation) -> None:
        """One step of AdamW, and the clamp."""
        by_mask = (evaluation.gradient + self._schedule.area_weight / self._inside.size) * self._inside
        gradient = self._grid.pull_back(by_mask) + self._smoothness()[1]
        moved = self._optimiser.step(self._values, gradient)
        self._values = _clamped(moved, self._start, self._schedule.clamp_below)

    def _smoothness(self) -> tuple[float, FloatArray]:
        """Weighted total variation and its gradient; nothing where it has no weight, as in the paper."""
        weight = self._schedule.smoothness_weight
        if weight == 0:
            return 0.0, np.zeros_like(self._values)
        value, gradient = total_variation(self._values, self._schedule.smoothness_exponent)
        return weight * value, np.asarray(weight * gradient, np.float32)


def _clamped(values: FloatArray, start: FloatArray, clamp_below: float) -> FloatArray:
    """Values below the clamp become 0, above 1 become 1 (section 4.2); cells outside the region stay 0."""
    clipped = np.minimum(np.where(values < clamp_below, 0, np.maximum(values, 0)), 1)
    return np.asarray(clipped * (start > 0), np.float32)
