"""The smallest binary mask that is sufficient: an area swept downwards along averaged gradients."""

import dataclasses
import math
from dataclasses import dataclass

import numpy as np

from misure_onnx.gradients.base import Evaluation, MaskGradient
from misure_onnx.mask import MaskGrid, moved, smoothed
from misure_onnx.methods.misure.disturbance import Disturbance
from misure_onnx.methods.misure.minimal_region import MaskCandidate, OptimisedMask
from misure_onnx.methods.progress import Progress
from misure_onnx.types import FloatArray, Mask, Region, Size

BINARY_AT = 0.5
"""A pixel is kept where the soft mask is above this."""

JUST_KEPT = np.nextafter(np.float32(BINARY_AT), np.float32(1))
_FEWEST_PIXELS = 4
_FINEST = 0.3
"""Standard deviation in pixels below which a Gaussian does nothing."""
_STALL = 3
"""Masks, a kind of baseline, without a smaller sufficient one after which the smoothing is halved: finer detail is
needed ..."""
_TOO_LARGE = 0.25
"""... as long as the smallest one is larger than this share of the region that the sweep began with."""
_HALVINGS = 2
"""At most: a quarter of the smoothing that was asked for is still smooth."""
_MOST_STALE = 2
"""Rounds after which a baseline is asked again although another one is worse."""


@dataclass(frozen=True)
class Sweep:
    """How the area is swept.

    Attributes:
        tau: Dice to exceed.
        iterations: masks evaluated, at most.
        patience: stop after so many masks without a smaller sufficient one; 0: never.
        smoothing: standard deviation of the Gaussian that scores are smoothed with, in pixels; 0: none.
        grid_size: scores live on a grid of this size.
        groups: the problem's baselines (indices) by kind; a mask is sufficient when it is under each kind.
            Several draws of one random kind take turns.
        descent: until the first mask fails, the area shrinks by so many times the usual step.
        disturbance: of mask and image in every step; None: none. What then seems sufficient was moved or noisy.
    """

    tau: float
    iterations: int
    patience: int
    smoothing: float
    grid_size: Size
    groups: tuple[tuple[int, ...], ...] = ((0,),)
    descent: float = 1.0
    disturbance: Disturbance | None = None


def sweep_area(
    gradient: MaskGradient, start: Region, sweep: Sweep, progress: Progress, prior: FloatArray | None = None
) -> OptimisedMask:
    """Looks for the smallest sufficient mask inside a region.

    Every pixel has a score: the sum over all masks evaluated so far of -d(loss)/d(mask), each gradient smoothed
    and scaled to unit root mean square. The mask keeps the pixels with the highest scores, as many as the present
    area allows, and is binary: the model sees what will be reported. This is Nesterov's dual averaging (2009) of
    straight-through gradients over masks of a fixed area. The area shrinks while the Dice exceeds tau, faster the more
    room there is, and grows while it does not. Smoothing sets the size of the blobs: a mask with details finer
    than it would need scores that it removes.

    With several kinds of baseline a mask counts by the worst one, each as it was last seen, and the next
    evaluation goes to the worst, or to one that has not been asked for long. A mask that seems sufficient may
    therefore not be: the caller confirms it.

    Args:
        gradient: built for a problem whose baselines `sweep.groups` names.
        start: (H, W), the largest mask; it should be sufficient.
        sweep: the parameters.
        progress: called after every mask.
        prior: (H, W) scores to start from, in units of one evaluation's; None: none.
    """
    state = _Scores(start, sweep, prior)
    ledger = _Ledger(sweep)
    feasible: list[MaskCandidate] = []
    last_gain, last_refined, refinements, has_failed, region = 0, 0, 0, False, start
    trace: dict[str, list[float]] = {"loss": [], "dice": [], "area": []}
    for iteration in range(max(1, sweep.iterations)):
        group, baseline = ledger.next()
        evaluation = _evaluated(gradient, region, baseline, sweep.disturbance, iteration)
        worst = ledger.record(group, evaluation.dice)
        smaller = not feasible or int(region.sum()) < feasible[-1].area
        if ledger.complete and worst > sweep.tau and smaller:
            feasible.append(MaskCandidate(state.soft(), region, evaluation.dice, iteration))
            last_gain = iteration
        for name, value in zip(trace, (evaluation.loss, evaluation.dice, float(region.mean())), strict=True):
            trace[name].append(value)
        progress("minimal region", iteration + 1, sweep.iterations)
        smallest = int((feasible[-1].region if feasible else start).sum())
        has_failed = has_failed or worst <= sweep.tau  # before, equal scores may keep the area as it is
        stalled = has_failed and iteration - max(last_gain, last_refined) >= _STALL * len(sweep.groups)
        if stalled and refinements < _HALVINGS and smallest > _TOO_LARGE * int(start.sum()):
            state.refine()
            last_refined, refinements = iteration, refinements + 1
        if sweep.patience and iteration - last_gain > sweep.patience:
            break
        if iteration + 1 < sweep.iterations:
            region = state.step(evaluation, worst)
    final = MaskCandidate(state.soft(), region, evaluation.dice, iteration)
    return OptimisedMask(final, tuple(reversed(feasible)), len(trace["loss"]), trace)


def _evaluated(
    gradient: MaskGradient, region: Region, baseline: int, disturbance: Disturbance | None, step: int
) -> Evaluation:
    if disturbance is None:
        return gradient.evaluate(region.astype(np.float32), baseline)
    shift, image = disturbance.at(step)
    evaluation = gradient.evaluate(moved(region, shift).astype(np.float32), baseline, image)
    back = tuple(-pixels for pixels in shift)
    return dataclasses.replace(evaluation, gradient=moved(evaluation.gradient, back))


class _Ledger:
    """What each kind of baseline last said, and whose turn it is."""

    def __init__(self, sweep: Sweep) -> None:
        self._groups = sweep.groups
        self._dice: dict[int, float] = {}
        self._asked = [0] * len(self._groups)
        self._seen = [-1] * len(self._groups)
        self._clock = 0

    @property
    def complete(self) -> bool:
        """Whether every kind has been asked."""
        return len(self._dice) == len(self._groups)

    def next(self) -> tuple[int, int]:
        """(kind, baseline) to evaluate: one not yet asked, one not asked for long, or the worst."""
        kinds = range(len(self._groups))
        oldest = min(kinds, key=lambda kind: self._seen[kind])
        stale = self._clock - self._seen[oldest] > _MOST_STALE * len(self._groups)
        kind = oldest if stale or not self.complete else min(kinds, key=lambda k: (self._dice[k], self._seen[k]))
        return kind, self._groups[kind][self._asked[kind] % len(self._groups[kind])]

    def record(self, kind: int, dice: float) -> float:
        """Notes a Dice and returns the worst known one."""
        self._dice[kind] = dice
        self._asked[kind] += 1
        self._seen[kind] = self._clock
        self._clock += 1
        return min(self._dice.values())


class _Scores:
    """Scores of the pixels inside a region and the area that is kept."""

    def __init__(self, inside: Region, sweep: Sweep, prior: FloatArray | None) -> None:
        self._sweep, self._inside = sweep, inside
        self._grid = MaskGrid(sweep.grid_size, inside.shape)
        self._values = np.zeros(inside.shape, np.float32) if prior is None else prior * inside
        self._most = int(inside.sum())
        self._area = float(self._most)
        self._threshold = -math.inf
        self._smoothing = sweep.smoothing
        # With n kinds of baseline every kind is seen every n-th step: the area must move more slowly.
        self._pace = 1 / math.sqrt(len(sweep.groups))
        self._descent = sweep.descent

    def step(self, evaluation: Evaluation, worst: float) -> Region:
        """Adds a gradient, moves the area, and returns the mask to evaluate next."""
        self._values -= self._direction(evaluation.gradient)
        if worst <= self._sweep.tau:
            self._descent = 1.0
        change = self._pace * self._descent * _area_step(worst, self._sweep.tau)
        self._area = min(max(self._area * math.exp(change), _FEWEST_PIXELS), self._most)
        scores = self._values[self._inside]
        rank = max(0, self._most - int(self._area))
        # Where several pixels have the same score (those the model does not see: none), they stay or go together.
        self._threshold = float(np.partition(scores, rank)[rank])
        return np.asarray((self._values >= self._threshold) & self._inside)

    def soft(self) -> Mask:
        """(H, W) in [0, 1]: a logistic function of the score, above `BINARY_AT` exactly where a pixel is kept."""
        if self._threshold == -math.inf:
            return self._inside.astype(np.float32)
        spread = float(self._values[self._inside].std()) or 1.0
        above = np.clip((self._values - self._threshold) / spread, -30, 30)
        soft = 1 / (1 + np.exp(-above))
        soft[above >= 0] = np.maximum(soft[above >= 0], JUST_KEPT)
        return np.asarray(soft * self._inside, np.float32)

    def refine(self) -> None:
        """Smooths half as much from now on."""
        self._smoothing /= 2

    def _direction(self, gradient: FloatArray) -> FloatArray:
        """The gradient inside the region, smoothed, at unit root mean square."""
        inside = np.asarray(gradient * self._inside, np.float32)
        if self._smoothing >= _FINEST:
            inside = smoothed(inside, self._smoothing)
        smooth = self._grid.upsample(self._grid.pull_back(inside)) * self._inside
        scale = math.sqrt(float(np.square(smooth, dtype=np.float64).sum()) / self._most)
        return np.asarray(smooth / scale if scale > 0 else smooth, np.float32)


def _area_step(dice: float, tau: float) -> float:
    """Change of log(area): -5 to -20 % while the mask passes, up to +15 % while it does not."""
    room = min(1.0, max(-1.5, (dice - tau) / (1 - tau)))
    return -0.05 - 0.15 * room if room > 0 else -0.1 * room
