"""Stage 2 of MiSuRe: prune the sufficient region by optimising a mask on it."""

import math
from dataclasses import dataclass, field

import numpy as np

from misure_onnx.gradients.base import Evaluation, MaskGradient
from misure_onnx.mask import MaskGrid, resize_region
from misure_onnx.methods.misure.adamw import AdamW
from misure_onnx.methods.misure.total_variation import total_variation
from misure_onnx.methods.progress import Progress
from misure_onnx.types import FloatArray, Mask, Region

BINARY_AT = 0.5
"""A constrained mask keeps a pixel where its soft value is above this."""


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
    constrained: bool
    tau: float
    patience: int


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
    """What the optimisation gives.

    Attributes:
        final: the mask after the last step.
        feasible: every mask smaller than all before it whose Dice was above tau, smallest first.
        evaluations: forwards and backwards through the route.
        trace: loss, hard Dice and area of every iteration.
    """

    final: MaskCandidate
    feasible: tuple[MaskCandidate, ...]
    evaluations: int
    trace: dict[str, list[float]] = field(default_factory=dict)


def optimise_mask(
    gradient: MaskGradient, sufficient: Region, grid_size: tuple[int, int], schedule: Schedule, progress: Progress
) -> OptimisedMask:
    """Minimises eq. 1 over a grid of mask values, all one at the start, inside the sufficient region.

    The mask is M = upsample(grid) * M_SR. Literally (eq. 1) the loss is

        area_weight * mean(M) + smoothness_weight * TV(grid) + preservation(x through M)

    Constrained, the model sees the binary mask [M > 0.5] with a straight-through gradient, and
    `area_weight` grows while the Dice is above tau and shrinks while it is not: it becomes the multiplier of
    "smallest area subject to Dice > tau". The smallest mask that satisfies it is kept; a mask that has lost
    the object for some steps starts again from it, more carefully.
    """
    mask = _MaskInProgress(sufficient, grid_size, schedule)
    feasible, last_gain, lost = list[MaskCandidate](), 0, 0
    trace: dict[str, list[float]] = {"loss": [], "dice": [], "area": [], "area_weight": []}
    for iteration in range(schedule.iterations + 1):
        soft = mask.soft()
        region = mask.binary(soft)
        seen = region.astype(np.float32) if schedule.constrained else soft
        evaluation = gradient.evaluate(seen)
        candidate = MaskCandidate(soft, region, evaluation.dice, iteration)
        passes = evaluation.dice > schedule.tau
        if passes and (not feasible or candidate.area < feasible[-1].area):
            feasible.append(candidate)
            last_gain = iteration
            mask.remember()
        measured = (evaluation.loss + mask.penalty(seen), evaluation.dice, float(seen.mean()), mask.weight)
        for name, value in zip(trace, measured, strict=True):
            trace[name].append(value)
        progress("minimal region", iteration, schedule.iterations)
        if iteration == schedule.iterations or (schedule.patience and iteration - last_gain > schedule.patience):
            break
        lost = 0 if passes else lost + 1
        if schedule.constrained and feasible and lost == _LOST_STEPS:
            mask.start_again()
            lost = 0
        else:
            mask.step(evaluation)
    final = MaskCandidate(soft, region, evaluation.dice, iteration)
    return OptimisedMask(final, tuple(reversed(feasible)), len(trace["loss"]), trace)


_LOST_STEPS = 6
"""Steps without the object after which a constrained mask starts again from the smallest one that had it."""


class _MaskInProgress:
    """The grid's values, their optimiser and the multiplier: everything that changes from step to step."""

    def __init__(self, sufficient: Region, grid_size: tuple[int, int], schedule: Schedule) -> None:
        self._schedule, self._grid = schedule, MaskGrid(grid_size, sufficient.shape)
        values = resize_region(sufficient, grid_size).astype(np.float32)
        if not values.any():  # thinner than a grid cell: start from every cell, the region still confines the mask
            values = np.ones(grid_size, np.float32)
        self._values, self._start = values, values.copy()
        self._inside = sufficient.astype(np.float32)
        self._rate, self.weight = schedule.learning_rate, schedule.area_weight
        self._optimiser = self._fresh_optimiser()
        self.remember()

    def soft(self) -> Mask:
        """(H, W) in [0, 1]."""
        return np.asarray(self._grid.upsample(self._values) * self._inside, np.float32)

    def binary(self, soft: Mask) -> Region:
        """(H, W): the pixels that a soft mask keeps."""
        return soft > (BINARY_AT if self._schedule.constrained else 0.0)

    def penalty(self, seen: Mask) -> float:
        """Area and smoothness terms of the loss."""
        return self.weight * float(seen.mean()) + self._smoothness() * self._variation()[0]

    def step(self, evaluation: Evaluation) -> None:
        """One step of AdamW, the clamp, and of the multiplier."""
        by_mask = (evaluation.gradient + self.weight / self._inside.size) * self._inside
        gradient = self._grid.pull_back(by_mask) + self._smoothness() * self._variation()[1]
        moved = self._optimiser.step(self._values, gradient)
        self._values = _clamped(moved, self._start, self._schedule.clamp_below)
        if self._schedule.constrained:
            self.weight *= _multiplier_step(evaluation.dice, self._schedule.tau)

    def remember(self) -> None:
        """Keeps the present values to start again from."""
        self._remembered, self._remembered_weight = self._values, self.weight

    def start_again(self) -> None:
        """Back to the remembered values, with half the step and a third of the multiplier."""
        self._values, self.weight = self._remembered, self._remembered_weight / 3
        self._remembered_weight = self.weight
        self._rate /= 2
        self._optimiser = self._fresh_optimiser()

    def _variation(self) -> tuple[float, FloatArray]:
        """Total variation and its gradient; nothing where it has no weight, as in the paper."""
        if self._schedule.smoothness_weight == 0:
            return 0.0, np.zeros_like(self._values)
        return total_variation(self._values, self._schedule.smoothness_exponent)

    def _fresh_optimiser(self) -> AdamW:
        return AdamW(self._rate, self._schedule.weight_decay, self._schedule.adam_epsilon)

    def _smoothness(self) -> float:
        return self._schedule.smoothness_weight * (self.weight if self._schedule.constrained else 1.0)


def _multiplier_step(dice: float, tau: float) -> float:
    """The multiplier grows by 8 to 26 % a step while the mask passes and shrinks by 10 to 33 % while it does not.

    It starts small and grows slowly, so that pixels go in the order of their importance; one that starts
    large makes all of them cross the binarisation threshold in the same step, and the mask is lost.
    """
    comfort = (dice - tau) / (1 - tau)
    return math.exp(0.08 + 0.15 * min(1.0, comfort) if comfort > 0 else -0.1 + 0.2 * max(-1.5, comfort))


def _clamped(values: FloatArray, start: FloatArray, clamp_below: float) -> FloatArray:
    """Values below the clamp become 0, above 1 become 1 (section 4.2); cells outside the region stay 0."""
    clipped = np.minimum(np.where(values < clamp_below, 0, np.maximum(values, 0)), 1)
    return np.asarray(clipped * (start > 0), np.float32)
