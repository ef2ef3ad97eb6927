"""The smallest region that is sufficient: found along gradients, confirmed and finished on the deployed model."""

import dataclasses
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import numpy as np

from misure_onnx.gradients.base import Evaluation, MaskGradient
from misure_onnx.mask import dilate, smoothed
from misure_onnx.methods.blocks import without_blocks
from misure_onnx.methods.certificate import RANDOM_BASELINES, drawn
from misure_onnx.methods.misure.area_sweep import sweep_area
from misure_onnx.methods.misure.minimal_region import MaskCandidate, OptimisedMask
from misure_onnx.methods.misure.pixel_scores import BINARY_AT
from misure_onnx.methods.misure.specks import without_specks
from misure_onnx.methods.misure.sweep import Sweep
from misure_onnx.methods.misure.tightened import tightened
from misure_onnx.methods.progress import silent
from misure_onnx.methods.sufficiency import Passes, Sufficiency
from misure_onnx.methods.task import Task
from misure_onnx.perturbation import BASELINES
from misure_onnx.records import Minimality
from misure_onnx.types import FloatArray, Images, Mask, Region

_DRAWS = 4
"""Draws of each random baseline that a robust search optimises on; it is confirmed on others."""
_CONFIRMED = (1, 2)
_GROWTH = 1.1
"""A region that fails is grown by this factor until it passes."""
_NO_GAIN = 0.9
"""A mask with more than this share of the start's area is hardly a gain."""


@dataclass(frozen=True, eq=False)
class Wanted:
    """What a region must be sufficient under.

    Attributes:
        passes: the check on the deployed model.
        optimised: the baselines that the gradient sees.
        groups: those of the same kind, as indices.
    """

    passes: Sufficiency
    optimised: tuple[Images, ...]
    groups: tuple[tuple[int, ...], ...]


@dataclass(frozen=True)
class Search:
    """How the region is searched; `MiSuRe` says what the fields mean."""

    sweep: Sweep
    block_checks: int
    second_run: int
    alternatives: int


@dataclass(frozen=True, eq=False)
class Found:
    """The minimal region and what was learnt about it, at the network's size.

    `start` is what it was pruned from, `first` what a gradient route made of that.
    """

    soft: Mask
    region: Region
    start: Region
    evaluations: int
    trace: dict[str, list[float]]
    threshold: float | None = None
    minimality: Minimality | None = None
    second_run: tuple[Region, Region] | None = None
    alternatives: tuple[Region, ...] = ()
    notes: tuple[str, ...] = field(default=())
    first: Evaluation | None = None


def wanted_of(task: Task, baseline: str, tau: float, *, robust: bool) -> Wanted:
    """Sufficient under one baseline, or under all.

    A robust region is confirmed under the certificate's draws of noise and shuffle and under independent ones,
    and optimised on yet others, so that it fits none of them.
    """
    if not robust:
        own = drawn(task, baseline)
        return Wanted(Sufficiency(task, [own], tau), (own,), ((0,),))
    confirmed = [drawn(task, name) for name in BASELINES]
    confirmed += [drawn(task, name, draw) for name in RANDOM_BASELINES for draw in _CONFIRMED]
    optimised: list[Images] = []
    groups = []
    for name in BASELINES:
        draws = range(3, 3 + _DRAWS) if name in RANDOM_BASELINES else range(1)
        groups.append(tuple(range(len(optimised), len(optimised) + len(draws))))
        optimised += [drawn(task, name, draw) for draw in draws]
    return Wanted(Sufficiency(task, confirmed, tau), tuple(optimised), tuple(groups))


Prune = Callable[[Region], OptimisedMask]
"""From a sufficient region to smaller ones, by whatever route."""


def minimal_region(prune: Prune, sufficient: Region, wanted: Wanted, block_checks: int) -> Found:
    """Prune, confirm, drop specks, leave blocks out.

    Args:
        prune: the route.
        sufficient: (H, W), stage 1; where more than its own baseline is wanted, it is grown until it passes all.
        wanted: what the region must be sufficient under.
        block_checks: regions asked about at most, to leave blocks out.
    """
    if wanted.passes(nothing := np.zeros_like(sufficient)):
        note = "the model finds the object without seeing any of the image: no pixel is needed"
        return Found(nothing.astype(np.float32), nothing, nothing, 0, {}, notes=(note,))
    start = sufficient
    while len(wanted.groups) > 1 and not (wanted.passes(start) or start.all()):  # stage 1 saw one baseline
        start = dilate(start)
    pruned = prune(start)
    chosen, notes = _confirmed(pruned, start, wanted.passes)
    if len(wanted.groups) > 1:
        chosen = _tightened(chosen, pruned.final.soft, wanted.passes)
    region, minimality = without_specks(chosen.region, wanted.passes), None
    if block_checks:
        region, minimality = without_blocks(region, chosen.soft, wanted.passes, block_checks)
    return Found(
        soft=chosen.soft,
        region=region,
        start=start,
        evaluations=pruned.evaluations,
        trace=pruned.trace,
        first=pruned.first,
        threshold=None if notes else BINARY_AT,
        minimality=minimality,
        notes=notes,
    )


def _tightened(chosen: MaskCandidate, latest: Mask, passes: Passes) -> MaskCandidate:
    """By the scores that the mask was made from, and by the latest ones, which are made of more gradients."""
    for scores in (chosen.soft, latest):
        region, soft = tightened(chosen.region, scores, passes)
        if region is not chosen.region:
            chosen = dataclasses.replace(chosen, region=region, soft=soft)
    return chosen


def explored(found: Found, task: Task, gradient: MaskGradient, wanted: Wanted, search: Search) -> Found:
    """What further sweeps along the gradient find: a second run, and alternatives, where asked for."""
    if not found.start.any():
        return found
    second, evaluations = _second_run(task, gradient, found, search)
    others, more = _alternatives(gradient, found, wanted, search)
    spent = found.evaluations + evaluations + more
    return dataclasses.replace(found, second_run=second, alternatives=others, evaluations=spent)


def _confirmed(swept: OptimisedMask, start: Region, passes: Passes) -> tuple[MaskCandidate, tuple[str, ...]]:
    """The smallest candidate that the deployed model confirms; where that is no gain, the last one, grown."""
    smallest = next((candidate for candidate in swept.feasible if passes(candidate.region)), None)
    most = smallest.area if smallest else int(start.sum())
    if smallest and most < _NO_GAIN * int(start.sum()):
        return smallest, ()
    for region in _larger(swept.final, start, most):
        if passes(region):
            note = "no mask met on the way passed on the deployed model: the last one was grown"
            return dataclasses.replace(swept.final, region=region), (note,)
    note = "no smaller mask passed on the deployed model: the sufficient region was kept"
    return dataclasses.replace(swept.final, region=smallest.region if smallest else start), (note,)


def _larger(candidate: MaskCandidate, start: Region, most: int) -> Iterator[Region]:
    """The mask with the best of the other pixels, ever more of them, as long as fewer than `most` are kept."""
    scores = np.sort(candidate.soft[start])[::-1]
    area = max(candidate.area, 1) * _GROWTH
    while area < most:
        grown = start & (candidate.soft >= scores[int(area) - 1])
        if int(grown.sum()) >= most:
            return
        yield np.asarray(grown)
        area *= _GROWTH


def _second_run(
    task: Task, gradient: MaskGradient, found: Found, search: Search
) -> tuple[tuple[Region, Region] | None, int]:
    """What a shorter search finds that starts at random scores instead of equal ones."""
    if not search.second_run:
        return None, 0
    start = found.start
    noise = task.rng().standard_normal(start.shape, np.float32)
    smooth = smoothed(noise, search.sweep.smoothing) if search.sweep.smoothing else noise
    prior = smooth / float(smooth.std())
    # It is too short to come back from a fast descent.
    sweep = dataclasses.replace(search.sweep, iterations=search.second_run, patience=0, descent=1.0)
    swept = sweep_area(gradient, start, sweep, silent, np.asarray(prior, np.float32), first=found.first)
    return (swept.feasible[0].region if swept.feasible else start, start), swept.evaluations


def _alternatives(
    gradient: MaskGradient, found: Found, wanted: Wanted, search: Search
) -> tuple[tuple[Region, ...], int]:
    """Further regions, each from scores that put the pixels of those before last."""
    others, used, evaluations = list[Region](), found.region, 0
    for _ in range(search.alternatives):
        for weight in _AVOIDED:
            prior: FloatArray = used.astype(np.float32) * np.float32(-weight)
            swept = sweep_area(gradient, found.start, search.sweep, silent, prior, first=found.first)
            evaluations += swept.evaluations
            candidate, failed = _confirmed(swept, found.start, wanted.passes)
            if not failed:
                break
        other = without_specks(candidate.region, wanted.passes)
        others.append(other)
        used = used | other
    return tuple(others), evaluations


_AVOIDED = (30, 10, 3)
"""Evaluations' worth of scores by which used pixels start behind; less where that leaves nothing sufficient. The
indispensable ones catch up, others do not."""
