"""From a pruning to the region that is reported, and what further sweeps add: each step on its own, known by hand."""

import dataclasses
from collections.abc import Callable
from pathlib import Path
from typing import cast

import numpy as np
import numpy.typing as npt
import pytest

from misure_onnx.gradients.base import Evaluation
from misure_onnx.mask import dilate, smoothed
from misure_onnx.methods.misure import constrained
from misure_onnx.methods.misure.area_sweep import sweep_area
from misure_onnx.methods.misure.constrained import Found, Search, Wanted, explored, minimal_region, wanted_of
from misure_onnx.methods.misure.minimal_region import MaskCandidate, OptimisedMask
from misure_onnx.methods.misure.pixel_scores import BINARY_AT
from misure_onnx.methods.misure.sweep import Sweep
from misure_onnx.methods.progress import silent
from misure_onnx.methods.sufficiency import Sufficiency
from misure_onnx.methods.task import Task
from misure_onnx.perturbation import BASELINES, make_baseline
from misure_onnx.types import Region
from tests.methods.asked import task_on
from tests.methods.misure.test_area_sweep import SHAPE, LinearEvidence, block
from tests.tiny_models import noise_image, small_network

EVERYTHING = np.ones(SHAPE, bool)
RAMP = np.linspace(0, 1, SHAPE[0] * SHAPE[1], dtype=np.float32).reshape(SHAPE)
KEY = block(12, 20, 6, 5) > 0


def wanted(passes: Callable[[Region], bool], kinds: int = 1) -> Wanted:
    return Wanted(cast("Sufficiency", passes), (), tuple((kind,) for kind in range(kinds)))


def holds(needed: Region) -> Callable[[Region], bool]:
    return lambda region: bool(region[needed].all())


def pruned(*regions: Region, soft: npt.NDArray[np.float32] = RAMP) -> OptimisedMask:
    """A sweep that met these, smallest first, and ended at the best tenth of a ramp."""
    candidates = [MaskCandidate(soft, region, 0.95, 5) for region in regions]
    return OptimisedMask(MaskCandidate(soft, RAMP >= 0.9, 0.5, 9), tuple(candidates), 10, {"dice": [0.5]})


# What is wanted


@pytest.fixture
def task(tmp_path: Path) -> Task:
    return task_on(
        small_network(tmp_path / "net.onnx", size=SHAPE), noise_image(SHAPE, 5), preprocess="minus1_1", seed=3
    )


def test_a_region_is_wanted_under_the_method_s_own_baseline(task: Task) -> None:
    found = wanted_of(task, "noise", 0.85, robust=False)
    own = make_baseline("noise", task.image, np.random.default_rng(3))
    assert found.groups == ((0,),)
    assert len(found.optimised) == len(found.passes._baselines) == 1
    assert np.array_equal(found.optimised[0], own)
    assert np.array_equal(found.passes._baselines[0], own)
    assert (found.passes._task, found.passes._tau) == (task, 0.85)


def test_a_robust_region_is_confirmed_on_draws_that_it_was_not_optimised_on(task: Task) -> None:
    found = wanted_of(task, "zero", 0.85, robust=True)

    def drawn(name: str, draw: int = 0) -> npt.NDArray[np.float32]:
        return make_baseline(name, task.image, np.random.default_rng((3, draw) if draw else 3))

    draws = [("zero", 0), ("mean", 0), ("blur", 0), *[(name, k) for name in ("noise", "shuffle") for k in range(3, 7)]]
    assert list(BASELINES) == ["zero", "mean", "blur", "noise", "shuffle"]
    assert found.groups == ((0,), (1,), (2,), (3, 4, 5, 6), (7, 8, 9, 10))
    for made, (name, draw) in zip(found.optimised, draws, strict=True):
        assert np.array_equal(made, drawn(name, draw))
    confirmed = [(name, 0) for name in BASELINES] + [(name, k) for name in ("noise", "shuffle") for k in (1, 2)]
    for made, (name, draw) in zip(found.passes._baselines, confirmed, strict=True):
        assert np.array_equal(made, drawn(name, draw))
    assert (found.passes._task, found.passes._tau) == (task, 0.85)


# The region that is reported


def test_where_nothing_is_needed_nothing_is_pruned() -> None:
    def prune(start: Region) -> OptimisedMask:
        raise AssertionError(start)

    found = minimal_region(prune, EVERYTHING, wanted(lambda _: True), 100)
    for mask in (found.region, found.start, found.soft):
        assert not mask.any()
    assert found.soft.dtype == np.float32
    assert (found.evaluations, found.trace, found.threshold, found.minimality) == (0, {}, None, None)
    assert found.notes == ("the model finds the object without seeing any of the image: no pixel is needed",)


def test_stage_1_is_grown_until_it_passes_all_that_is_wanted() -> None:
    starts: list[Region] = []

    def prune(start: Region) -> OptimisedMask:
        starts.append(start)
        return pruned(KEY)

    needed = KEY.copy()
    needed[12, 26] = True  # two columns beside the key: one dilation
    found = minimal_region(prune, KEY, wanted(holds(needed), kinds=2), 0)
    assert np.array_equal(starts[0], dilate(KEY))
    assert np.array_equal(found.start, dilate(KEY))
    assert minimal_region(lambda _: pruned(KEY), KEY, wanted(holds(KEY), kinds=2), 0).start is KEY
    hopeless = minimal_region(lambda _: pruned(KEY), KEY, wanted(lambda _: False, kinds=2), 0)
    assert hopeless.start.all(), "it ends at the whole image"
    assert np.array_equal(hopeless.region, hopeless.start)


def test_the_smallest_mask_that_passes_loses_its_specks_and_then_its_blocks() -> None:
    with_specks, spread = KEY | (block(30, 40, 1, 1) > 0), KEY.copy()
    spread[12, 20] = False  # of the key, one pixel is not needed
    found = minimal_region(lambda _: pruned(with_specks), EVERYTHING, wanted(holds(KEY)), 0)
    assert np.array_equal(found.region, KEY)
    assert (found.minimality, found.threshold, found.notes) == (None, BINARY_AT, ())
    assert (found.evaluations, found.trace) == (10, {"dice": [0.5]})
    assert found.soft is RAMP
    checked = minimal_region(lambda _: pruned(with_specks), EVERYTHING, wanted(holds(spread)), 200)
    assert np.array_equal(checked.region, spread)
    assert checked.minimality is not None
    assert (checked.minimality.block_px, checked.minimality.blocks, checked.minimality.checked) == (1, 29, 29)
    few = minimal_region(lambda _: pruned(with_specks), EVERYTHING, wanted(holds(spread)), 5)
    assert few.minimality is not None
    assert few.minimality.checked < few.minimality.blocks, "no more than the budget are asked about"


def test_the_least_important_block_is_left_out_first() -> None:
    one_of_two = wanted(lambda region: bool(region[12, 20] or region[17, 24]))
    for soft, left in ((RAMP, (17, 24)), (np.asarray(1 - RAMP), (12, 20))):
        found = minimal_region(lambda _, soft=soft: pruned(KEY, soft=soft), EVERYTHING, one_of_two, 500)  # type: ignore[misc]
        assert np.argwhere(found.region).tolist() == [list(left)]


def test_a_region_that_was_grown_is_no_mask_cut_at_a_threshold() -> None:
    grown = minimal_region(lambda _: pruned(KEY), EVERYTHING, wanted(lambda region: bool(region.mean() >= 0.5)), 0)
    assert grown.threshold is None
    assert "grown" in grown.notes[0]


def test_only_what_was_swept_over_several_baselines_is_tightened() -> None:
    half, needs = np.asarray(RAMP >= 0.5), lambda region: bool(region.mean() >= 0.4)
    one, two = (minimal_region(lambda _: pruned(half), EVERYTHING, wanted(needs, kinds), 0) for kinds in (1, 2))
    assert np.array_equal(one.region, half)
    assert one.soft is RAMP
    assert 0.4 <= two.region.mean() < 0.41
    assert np.array_equal(two.soft > BINARY_AT, two.region)


# Growing what fails


def test_a_mask_that_fails_is_grown_by_a_tenth_at_a_time_while_it_is_smaller_than_the_start() -> None:
    asked: list[int] = []

    def never(region: Region) -> bool:
        asked.append(int(region.sum()))
        return False

    start = np.asarray(RAMP >= 0.5)
    chosen, notes = constrained._confirmed(pruned(), start, never)
    first = int((RAMP >= 0.9).sum())
    expected, area = [], first * 1.1
    while area < start.sum():
        expected.append(int(area))
        area *= 1.1
    assert asked == expected
    assert np.array_equal(chosen.region, start)
    assert notes == ("no smaller mask passed on the deployed model: the sufficient region was kept",)


def test_a_mask_that_passes_but_is_hardly_smaller_is_a_bound_for_the_grown_ones() -> None:
    """The start has 2000 pixels: 1800 and more are no gain."""
    for pixels, gain in ((1799, True), (1800, False)):
        candidate = np.arange(RAMP.size).reshape(SHAPE) >= RAMP.size - pixels
        assert candidate.sum() == pixels
        chosen, notes = constrained._confirmed(pruned(candidate), EVERYTHING, lambda region: region.sum() >= 1795)
        assert np.array_equal(chosen.region, candidate)
        assert (notes == ()) == gain
    grown, notes = constrained._confirmed(pruned(EVERYTHING), EVERYTHING, lambda region: region.sum() >= 1000)
    assert 1000 <= grown.region.sum() < 1100
    assert notes == ("no mask met on the way passed on the deployed model: the last one was grown",)
    assert (grown.dice, grown.iteration) == (0.5, 9)


def test_the_best_pixels_are_those_inside_the_start() -> None:
    start = np.asarray(RAMP < 0.5)  # the mask's best tenth lies outside
    chosen, _ = constrained._confirmed(pruned(), start, lambda region: region.sum() >= 400)
    assert not (chosen.region & ~start).any()
    assert 400 <= chosen.region.sum() < 440
    assert RAMP[chosen.region].min() > RAMP[start & ~chosen.region].max()


def test_pixels_of_one_score_that_would_fill_the_start_are_not_tried() -> None:
    flat = np.where(RAMP >= 0.9, np.float32(1), np.float32(0))

    def passes(region: Region) -> bool:
        raise AssertionError(region.sum())

    chosen, _ = constrained._confirmed(pruned(soft=flat), EVERYTHING, passes)
    assert chosen.region.all()


def test_an_empty_mask_grows_from_its_best_pixel() -> None:
    nothing = dataclasses.replace(pruned(), final=MaskCandidate(RAMP, np.zeros(SHAPE, bool), 0.5, 9))
    asked: list[int] = []

    def passes(region: Region) -> bool:
        asked.append(int(region.sum()))
        return len(asked) == 12

    chosen, _ = constrained._confirmed(nothing, EVERYTHING, passes)
    assert asked == [int(1.1**k) for k in range(1, 13)] == [1, 1, 1, 1, 1, 1, 1, 2, 2, 2, 2, 3]
    assert chosen.region.sum() == 3


# Further sweeps

SWEEP = Sweep(0.9, 40, 7, 0.0, SHAPE)


def search(**changed: object) -> Search:
    settings = {"sweep": SWEEP, "block_checks": 0, "second_run": 0, "alternatives": 0, **changed}
    return Search(**settings)  # type: ignore[arg-type]


def found_in(start: Region, region: Region) -> Found:
    return Found(RAMP, region, start, 10, {"dice": [0.5]}, BINARY_AT, notes=("as it was",))


def test_without_a_second_run_or_alternatives_nothing_is_added(task: Task) -> None:
    gradient = LinearEvidence(block(10, 20))
    before = found_in(EVERYTHING, KEY)
    after = explored(before, task, gradient, wanted(holds(KEY)), search())
    assert (after.second_run, after.alternatives, after.evaluations) == (None, (), 10)
    assert gradient.asked == []
    nothing = found_in(np.zeros(SHAPE, bool), np.zeros(SHAPE, bool))
    assert explored(nothing, task, gradient, wanted(holds(KEY)), search(second_run=5, alternatives=2)) is nothing


@pytest.mark.parametrize("smoothing", [0.0, 2.0])
def test_a_second_run_starts_at_random_scores_of_the_task_s_seed(task: Task, smoothing: float) -> None:
    evidence = np.random.default_rng(1).random(SHAPE).astype(np.float32)
    start = block(2, 2, 35, 45) > 0
    sweep = dataclasses.replace(SWEEP, smoothing=smoothing, tau=0.5, descent=3.0)
    after = explored(
        found_in(start, KEY), task, LinearEvidence(evidence), wanted(holds(KEY)), search(sweep=sweep, second_run=25)
    )
    noise = np.random.default_rng(3).standard_normal(SHAPE, np.float32)
    noise = smoothed(noise, smoothing) if smoothing else noise
    shorter = dataclasses.replace(sweep, iterations=25, patience=0, descent=1.0)
    again = sweep_area(
        LinearEvidence(evidence), start, shorter, silent, np.asarray(noise / float(noise.std()), np.float32)
    )
    assert again.feasible[0].area < start.sum()
    assert after.second_run is not None
    assert np.array_equal(after.second_run[0], again.feasible[0].region)
    assert after.second_run[1] is start
    assert after.evaluations == 10 + 25
    assert (after.region is KEY, after.notes, after.trace) == (True, ("as it was",), {"dice": [0.5]})


def test_a_second_run_that_finds_nothing_found_its_start(task: Task) -> None:
    start = block(2, 2, 35, 45) > 0
    sweep = dataclasses.replace(SWEEP, tau=2.0)
    after = explored(
        found_in(start, KEY), task, LinearEvidence(RAMP), wanted(holds(KEY)), search(sweep=sweep, second_run=5)
    )
    assert after.second_run is not None
    assert after.second_run[0] is start
    assert after.evaluations == 15


class RecordedSweeps:
    """In the place of `sweep_area`: notes what it starts from, and gives one prepared result after the other."""

    def __init__(self, *results: OptimisedMask) -> None:
        self.results = list(results)
        self.priors: list[npt.NDArray[np.float32]] = []
        self.given: list[tuple[object, ...]] = []
        self.firsts: list[Evaluation | None] = []

    def __call__(self, *given: object, first: Evaluation | None) -> OptimisedMask:
        self.given.append(given[:4])
        self.firsts.append(first)
        self.priors.append(cast("npt.NDArray[np.float32]", given[4]))
        return self.results[len(self.priors) - 1]


def test_each_alternative_avoids_the_pixels_of_those_before(task: Task, monkeypatch: pytest.MonkeyPatch) -> None:
    first, second = (block(top, 5) > 0 for top in (0, 25))
    with_speck = first | (block(39, 49, 1, 1) > 0)
    sweeps = RecordedSweeps(pruned(with_speck), dataclasses.replace(pruned(second), evaluations=4))
    monkeypatch.setattr(constrained, "sweep_area", sweeps)
    chosen, gradient = search(alternatives=2), LinearEvidence(RAMP)
    either = wanted(lambda region: bool(region[first].all() or region[second].all()))
    after = explored(found_in(EVERYTHING, KEY), task, gradient, either, chosen)
    assert [region.sum() for region in after.alternatives] == [120, 120]
    assert np.array_equal(after.alternatives[0], first), "without the speck"
    assert np.array_equal(after.alternatives[1], second)
    assert after.evaluations == 10 + 10 + 4
    assert np.array_equal(sweeps.priors[0], -30 * KEY.astype(np.float32))
    assert np.array_equal(sweeps.priors[1], -30 * (KEY | first).astype(np.float32))
    assert all(prior.dtype == np.float32 for prior in sweeps.priors)
    assert sweeps.firsts == [None, None], "nothing is known of the start"
    for given in sweeps.given:
        assert given[0] is gradient
        assert given[1] is EVERYTHING
        assert given[2:] == (SWEEP, silent)


def test_where_avoiding_leaves_nothing_sufficient_used_pixels_are_less_far_behind(
    task: Task, monkeypatch: pytest.MonkeyPatch
) -> None:
    small, large = KEY, np.asarray(RAMP >= 0.5)
    sweeps = RecordedSweeps(pruned(small), pruned(large), pruned(small), pruned(small), pruned(small))
    monkeypatch.setattr(constrained, "sweep_area", sweeps)
    enough = wanted(lambda region: bool(region.mean() >= 0.45))
    after = explored(found_in(EVERYTHING, KEY), task, LinearEvidence(RAMP), enough, search(alternatives=1))
    assert [float(prior.min()) for prior in sweeps.priors] == [-30, -10], "the second one is sufficient"
    assert np.array_equal(after.alternatives[0], large)
    sweeps.priors.clear()
    sweeps.results[1] = pruned(small)
    after = explored(found_in(EVERYTHING, KEY), task, LinearEvidence(RAMP), enough, search(alternatives=1))
    assert [float(prior.min()) for prior in sweeps.priors] == [-30, -10, -3]
    assert after.evaluations == 10 + 30
    assert 0.45 <= after.alternatives[0].mean() < 0.45 * 1.11, "the last mask, grown"
