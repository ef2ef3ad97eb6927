"""The smallest binary mask that is sufficient: an area swept downwards along averaged gradients."""

import dataclasses
from collections import deque
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np

from misure_onnx.gradients.base import Evaluation, MaskGradient
from misure_onnx.mask import moved
from misure_onnx.methods.misure.baseline_turns import BaselineTurns
from misure_onnx.methods.misure.disturbance import Disturbance
from misure_onnx.methods.misure.minimal_region import OptimisedMask
from misure_onnx.methods.misure.pixel_scores import KeptPixels, PixelScores
from misure_onnx.methods.misure.sweep import Sweep
from misure_onnx.methods.misure.sweep_record import SweepRecord
from misure_onnx.methods.progress import Progress
from misure_onnx.types import FloatArray, Region

AT_ONCE = 2
"""Masks on their way at a time, on every machine alike: one evaluation of a small network hardly gains from a second
processor, two evaluations gain nearly all of it."""


def sweep_area(
    gradient: MaskGradient,
    start: Region,
    sweep: Sweep,
    progress: Progress,
    prior: FloatArray | None = None,
    *,
    first: Evaluation | None = None,
) -> OptimisedMask:
    """Looks for the smallest sufficient mask inside a region.

    Every pixel has a score: the sum over all masks evaluated so far of -d(loss)/d(mask), each gradient smoothed
    and scaled to unit root mean square. The mask keeps the pixels with the highest scores, as many as the present
    area allows, and is binary: the model sees what will be reported. This is Nesterov's dual averaging (2009) of
    straight-through gradients over masks of a fixed area. The area shrinks while the Dice exceeds tau, faster the more
    room there is, and grows while it does not. Smoothing sets the size of the blobs: a mask with details finer
    than it would need scores that it removes.

    `AT_ONCE` masks are on their way at a time, each made without knowing what the model says of the others (dual
    averaging with delayed gradients: Agarwal and Duchi 2011, "Distributed delayed stochastic optimization"). They are
    taken in the order in which they were made, so that the result does not depend on how many really run side by side.

    With several kinds of baseline a mask counts by the worst one, each as it was last seen, and the next
    evaluation goes to the worst, or to one that has not been asked for long. A mask that seems sufficient may
    therefore not be: the caller confirms it.

    Args:
        gradient: built for a problem whose baselines `sweep.groups` names.
        start: (H, W), the largest mask; it should be sufficient.
        sweep: the parameters.
        progress: called after every mask.
        prior: (H, W) scores to start from, in units of one evaluation's; None: none.
        first: what another sweep from the same start began with, which is not evaluated again; None: nothing.
    """
    scores, turns, record = PixelScores(start, sweep, prior), BaselineTurns(sweep.groups), SweepRecord(sweep, start)
    steps = _Steps(gradient, sweep.disturbance, first)
    most, begun = max(1, sweep.iterations), 0
    on_their_way = deque[tuple[KeptPixels, int, Future[Evaluation]]]()
    with ThreadPoolExecutor(gradient.at_once) as pool:
        made = [scores.kept()]
        while made or on_their_way:
            for kept in made:
                kind, baseline = turns.next()
                on_their_way.append((kept, kind, pool.submit(steps.evaluated, begun, kept.region, baseline)))
                begun += 1
            kept, kind, asked = on_their_way.popleft()
            evaluation = asked.result()
            worst = turns.record(kind, evaluation.dice)
            record.add(kept, evaluation, worst, is_complete=turns.complete)
            progress("minimal region", record.masks, sweep.iterations)
            if record.is_stalled():
                scores.refine()
                record.refined()
            if record.is_exhausted():
                most = begun
            scores.add(evaluation)
            made = [scores.step(worst) for _ in range(min(AT_ONCE - len(on_their_way), most - begun))]
    spent = record.masks - (first is not None)
    return OptimisedMask(record.final, tuple(reversed(record.feasible)), spent, record.trace, record.first)


@dataclass(frozen=True)
class _Steps:
    """What the model says, step by step: of the mask as it is, or disturbed as each step has it."""

    gradient: MaskGradient
    disturbance: Disturbance | None
    first: Evaluation | None

    def evaluated(self, step: int, region: Region, baseline: int) -> Evaluation:
        """One mask, or the first one as it is known."""
        if step == 0 and self.first is not None:
            return self.first
        if self.disturbance is None:
            return self.gradient.evaluate(region.astype(np.float32), baseline)
        shift, image = self.disturbance.at(step)
        evaluation = self.gradient.evaluate(moved(region, shift).astype(np.float32), baseline, image)
        back = tuple(-pixels for pixels in shift)
        return dataclasses.replace(evaluation, gradient=moved(evaluation.gradient, back))
