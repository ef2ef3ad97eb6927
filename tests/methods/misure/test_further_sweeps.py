"""What further sweeps add to a region that was found: a second run, and alternatives."""

import dataclasses
from pathlib import Path
from typing import cast

import numpy as np
import numpy.typing as npt
import pytest

from misure_onnx.gradients.base import Evaluation
from misure_onnx.mask import smoothed
from misure_onnx.methods.misure import constrained
from misure_onnx.methods.misure.area_sweep import sweep_area
from misure_onnx.methods.misure.constrained import Found, Search, explored, minimal_region
from misure_onnx.methods.misure.minimal_region import OptimisedMask
from misure_onnx.methods.misure.pixel_scores import BINARY_AT
from misure_onnx.methods.misure.sweep import Sweep
from misure_onnx.methods.progress import silent
from misure_onnx.methods.task import Task
from misure_onnx.types import Region
from tests.methods.asked import task_on
from tests.methods.misure.test_area_sweep import SHAPE, LinearEvidence, block
from tests.methods.misure.test_finishing import EVERYTHING, KEY, RAMP, holds, pruned, wanted
from tests.tiny_models import noise_image, small_network

SWEEP = Sweep(0.9, 40, 7, 0.0, SHAPE)


@pytest.fixture
def task(tmp_path: Path) -> Task:
    return task_on(
        small_network(tmp_path / "net.onnx", size=SHAPE), noise_image(SHAPE, 5), preprocess="minus1_1", seed=3
    )


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


def test_the_first_search_s_start_is_not_evaluated_again(task: Task) -> None:
    gradient, enough = LinearEvidence(RAMP), wanted(lambda region: float(RAMP[region].sum()) > 0.9 * float(RAMP.sum()))
    found = minimal_region(lambda start: sweep_area(gradient, start, SWEEP, silent), EVERYTHING, enough, 0)
    assert found.evaluations == len(gradient.asked)
    after = explored(found, task, gradient, enough, search(second_run=5))
    assert after.evaluations == len(gradient.asked) == found.evaluations + 4


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
