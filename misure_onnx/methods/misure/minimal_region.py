"""Stage 2 of MiSuRe: prune the sufficient region by optimising a mask on it."""

import math
from dataclasses import dataclass, field

import numpy as np

from misure_onnx.gradients.base import MaskGradient
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
    `area_weight` grows while the Dice is comfortably above tau and shrinks when it is not: it becomes the
    multiplier of "smallest area subject to Dice > tau". The smallest mask that satisfies it is kept.
    """
    grid = MaskGrid(grid_size, sufficient.shape)
    values = resize_region(sufficient, grid_size).astype(np.float32)
    if not values.any():  # thinner than a grid cell: start from every cell, the region still confines the mask
        values = np.ones(grid_size, np.float32)
    start, inside = values.copy(), sufficient.astype(np.float32)
    optimiser = AdamW(schedule.learning_rate, schedule.weight_decay, schedule.adam_epsilon)
    weight, feasible, last_gain = schedule.area_weight, list[MaskCandidate](), 0
    trace: dict[str, list[float]] = {"loss": [], "dice": [], "area": [], "area_weight": []}
    candidate = _candidate(grid, values, inside, constrained=schedule.constrained)
    for iteration in range(schedule.iterations + 1):
        seen = candidate.region.astype(np.float32) if schedule.constrained else candidate.soft
        evaluation = gradient.evaluate(seen)
        candidate = MaskCandidate(candidate.soft, candidate.region, evaluation.dice, iteration)
        if evaluation.dice > schedule.tau and (not feasible or candidate.area < feasible[-1].area):
            feasible.append(candidate)
            last_gain = iteration
        variation, variation_gradient = total_variation(values, schedule.smoothness_exponent)
        smoothness = schedule.smoothness_weight * (weight if schedule.constrained else 1.0)
        loss = evaluation.loss + weight * float(seen.mean()) + smoothness * variation
        for name, value in zip(trace, (loss, evaluation.dice, float(seen.mean()), weight), strict=True):
            trace[name].append(value)
        progress("minimal region", iteration, schedule.iterations)
        if iteration == schedule.iterations or (schedule.patience and iteration - last_gain > schedule.patience):
            break
        by_mask = (evaluation.gradient + weight / inside.size) * inside
        step = optimiser.step(values, grid.pull_back(by_mask) + smoothness * variation_gradient)
        values = _clamped(step, start, schedule.clamp_below)
        if schedule.constrained:
            weight *= _multiplier_step(evaluation.dice, schedule.tau)
        candidate = _candidate(grid, values, inside, constrained=schedule.constrained)
    return OptimisedMask(candidate, tuple(reversed(feasible)), len(trace["loss"]), trace)


def _multiplier_step(dice: float, tau: float) -> float:
    """The multiplier grows by 8 to 26 % a step while the mask passes and shrinks by 10 to 33 % while it does not.

    It starts small and grows slowly, so that pixels go in the order of their importance; one that starts
    large makes all of them cross the binarisation threshold in the same step, and the mask is lost.
    """
    comfort = (dice - tau) / (1 - tau)
    return math.exp(0.08 + 0.15 * min(1.0, comfort) if comfort > 0 else -0.1 + 0.2 * max(-1.5, comfort))


def _candidate(grid: MaskGrid, values: FloatArray, inside: FloatArray, *, constrained: bool) -> MaskCandidate:
    soft = np.asarray(grid.upsample(values) * inside, np.float32)
    return MaskCandidate(soft, soft > (BINARY_AT if constrained else 0.0), 0.0, 0)


def _clamped(values: FloatArray, start: FloatArray, clamp_below: float) -> FloatArray:
    """Values below the clamp become 0, above 1 become 1 (section 4.2); cells outside the region stay 0."""
    clipped = np.minimum(np.where(values < clamp_below, 0, np.maximum(values, 0)), 1)
    return np.asarray(clipped * (start > 0), np.float32)
