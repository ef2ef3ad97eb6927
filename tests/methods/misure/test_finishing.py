"""From a pruning to the region that is reported: each step on its own, known by hand."""

import dataclasses
from collections.abc import Callable
from pathlib import Path
from typing import cast

import numpy as np
import numpy.typing as npt
import pytest

from misure_onnx.mask import dilate
from misure_onnx.methods.misure import constrained
from misure_onnx.methods.misure.constrained import Wanted, minimal_region, wanted_of
from misure_onnx.methods.misure.minimal_region import MaskCandidate, OptimisedMask
from misure_onnx.methods.misure.pixel_scores import BINARY_AT
from misure_onnx.methods.sufficiency import Sufficiency
from misure_onnx.methods.task import Task
from misure_onnx.perturbation import BASELINES, make_baseline
from misure_onnx.types import Region
from tests.methods.asked import task_on
from tests.methods.misure.test_area_sweep import SHAPE, block
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
