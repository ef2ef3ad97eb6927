"""The sweep on functions whose smallest sufficient mask is known."""

import time

import numpy as np
import numpy.typing as npt
import pytest

from misure_onnx.errors import ModelError
from misure_onnx.gradients.base import Evaluation, Fidelity
from misure_onnx.mask import smoothed
from misure_onnx.methods.misure import pixel_scores
from misure_onnx.methods.misure.area_sweep import sweep_area
from misure_onnx.methods.misure.pixel_scores import BINARY_AT
from misure_onnx.methods.misure.sweep import Sweep
from misure_onnx.methods.progress import silent

SHAPE = (40, 50)


class LinearEvidence:
    """Dice = share of the evidence that a mask keeps, one evidence map a baseline; the gradient is exact."""

    route = "hand-made"
    fidelity = Fidelity(None, None, 1.0, None)
    at_once = 1

    def __init__(self, *evidence: npt.NDArray[np.float32]) -> None:
        self.evidence = [np.asarray(e / e.sum(), np.float32) for e in evidence]
        self.asked: list[int] = []
        self.images: list[npt.NDArray[np.float32] | None] = []

    def evaluate(
        self,
        mask: npt.NDArray[np.float32],
        baseline: int = 0,
        image: npt.NDArray[np.float32] | None = None,
    ) -> Evaluation:
        self.asked.append(baseline)
        self.images.append(image)
        share = float((mask * self.evidence[baseline]).sum())
        return Evaluation(1 - share, share, -self.evidence[baseline])


def block(top: int, left: int, height: int = 10, width: int = 12) -> npt.NDArray[np.float32]:
    found = np.zeros(SHAPE, np.float32)
    found[top : top + height, left : left + width] = 1
    return found


def sweep(groups: tuple[tuple[int, ...], ...] = ((0,),), **changed: float) -> Sweep:
    settings = {"tau": 0.9, "iterations": 60, "patience": 0, "smoothing": 0.0, **changed}
    return Sweep(**settings, grid_size=SHAPE, groups=groups)  # type: ignore[arg-type]


EVERYTHING = np.ones(SHAPE, bool)


def test_exactly_the_evidence_is_found() -> None:
    key = block(10, 20)
    found = sweep_area(LinearEvidence(key), EVERYTHING, sweep(), silent)
    # Equal scores stay or go together, so the smallest sufficient mask is the block itself.
    assert np.array_equal(found.feasible[0].region, key > 0)


def test_of_graded_evidence_the_strongest_pixels_are_kept() -> None:
    graded = np.random.default_rng(0).random(SHAPE).astype(np.float32) ** 8
    found = sweep_area(LinearEvidence(graded), EVERYTHING, sweep(), silent)
    ordered = np.sort(graded.ravel())[::-1]
    fewest = int(np.searchsorted(np.cumsum(ordered) / ordered.sum(), 0.9)) + 1
    assert fewest <= found.feasible[0].area <= 1.1 * fewest


def test_the_descent_ends_at_the_first_mask_that_fails() -> None:
    graded = np.random.default_rng(0).random(SHAPE).astype(np.float32) ** 8
    usual, faster = (sweep_area(LinearEvidence(graded), EVERYTHING, sweep(descent=d), silent) for d in (1.0, 3.0))
    first_failure = [next(k for k, dice in enumerate(f.trace["dice"]) if dice <= 0.9) for f in (usual, faster)]
    assert first_failure[1] <= first_failure[0] / 2
    steps = np.abs(np.diff(np.log(faster.trace["area"])))
    assert steps[0] == pytest.approx(3 * np.diff(np.log(usual.trace["area"]))[0] * -1, rel=0.02)  # whole pixels
    assert steps[first_failure[1] + 1 :].max() < 0.29, "one mask was on its way"
    assert faster.feasible[0].area <= 1.1 * usual.feasible[0].area


def test_candidates_get_smaller_and_each_is_sufficient() -> None:
    evidence = np.random.default_rng(1).random(SHAPE).astype(np.float32)
    gradient = LinearEvidence(evidence)
    found = sweep_area(gradient, EVERYTHING, sweep(), silent)
    areas = [candidate.area for candidate in found.feasible]
    assert areas == sorted(set(areas))
    for candidate in found.feasible:
        assert gradient.evaluate(candidate.region.astype(np.float32)).dice > 0.9


def test_the_soft_mask_and_the_region_are_one() -> None:
    evidence = np.random.default_rng(2).random(SHAPE).astype(np.float32)
    found = sweep_area(LinearEvidence(evidence), EVERYTHING, sweep(), silent)
    for candidate in (*found.feasible, found.final):
        assert np.array_equal(candidate.soft > BINARY_AT, candidate.region)
        assert candidate.soft.min() >= 0
        assert candidate.soft.max() <= 1


def test_nothing_outside_the_start_is_kept() -> None:
    start = block(0, 0, 30, 50) > 0
    found = sweep_area(LinearEvidence(block(10, 20)), start, sweep(smoothing=2.0), silent)
    assert not (found.feasible[0].region & ~start).any()
    assert not found.feasible[0].soft[~start].any()


def test_a_region_has_to_serve_every_kind_of_baseline() -> None:
    first, second = block(5, 5), block(25, 30)
    gradient = LinearEvidence(first, second, second)
    found = sweep_area(gradient, EVERYTHING, sweep(((0,), (1, 2)), iterations=100), silent)
    passing = [
        c for c in found.feasible if min(gradient.evaluate(c.region.astype(np.float32), b).dice for b in (0, 1)) > 0.9
    ]
    assert passing[0].area <= 1.2 * (first.sum() + second.sum())
    assert set(gradient.asked) == {0, 1, 2}, "the draws of one kind take turns"


def test_smoothing_makes_blobs() -> None:
    evidence = np.random.default_rng(3).random(SHAPE).astype(np.float32)

    def edges(smoothing: float) -> int:
        found = sweep_area(LinearEvidence(evidence), EVERYTHING, sweep(smoothing=smoothing, tau=0.2), silent)
        region = np.pad(found.feasible[0].region, 1)
        return int(sum(np.count_nonzero(np.diff(region, axis=axis)) for axis in (0, 1)))

    assert edges(3.0) < edges(0.0) / 2


@pytest.mark.parametrize(("tau", "sigmas"), [(0.6, [4.0, 2.0, 1.0]), (0.15, [4.0])], ids=["large", "small"])
def test_a_region_that_stays_large_gets_finer_detail_twice_at_most(
    monkeypatch: pytest.MonkeyPatch, tau: float, sigmas: list[float]
) -> None:
    used = dict[float, None]()

    def noted(values: npt.NDArray[np.float32], sigma: float) -> npt.NDArray[np.float32]:
        used[sigma] = None
        return smoothed(values, sigma)

    monkeypatch.setattr(pixel_scores, "smoothed", noted)
    evidence = np.random.default_rng(3).random(SHAPE).astype(np.float32)
    sweep_area(LinearEvidence(evidence), EVERYTHING, sweep(smoothing=4.0, tau=tau), silent)
    assert list(used) == sigmas


def test_pixels_put_last_are_avoided_where_others_do() -> None:
    twice = block(5, 5) + block(25, 30)  # 60 % of the evidence: either block with a bit of the other

    def overlap(prior: npt.NDArray[np.float32] | None) -> int:
        found = sweep_area(LinearEvidence(twice), EVERYTHING, sweep(tau=0.4), silent, prior)
        return int((found.feasible[0].region & (block(5, 5) > 0)).sum())

    assert overlap(np.asarray(-30 * block(5, 5), np.float32)) < overlap(None)


@pytest.mark.parametrize("patience", [3, 10])
def test_patience_ends_it(patience: int) -> None:
    found = sweep_area(LinearEvidence(block(10, 20)), EVERYTHING, sweep(patience=patience, iterations=500), silent)
    assert found.evaluations < 200
    assert found.evaluations - found.feasible[0].iteration == patience + 3, "one mask was on its way"


def test_the_number_of_masks_is_the_number_of_iterations() -> None:
    gradient = LinearEvidence(block(10, 20))
    assert sweep_area(gradient, EVERYTHING, sweep(iterations=17), silent).evaluations == len(gradient.asked) == 17


@pytest.mark.parametrize("at_once", [1, 2, 5])
def test_the_result_does_not_depend_on_how_many_masks_really_run_at_the_same_time(at_once: int) -> None:
    class Sluggish(LinearEvidence):
        """The first of two is done last."""

        def evaluate(
            self, mask: npt.NDArray[np.float32], baseline: int = 0, image: npt.NDArray[np.float32] | None = None
        ) -> Evaluation:
            time.sleep(0.004 * (len(self.asked) % 2))
            return super().evaluate(mask, baseline, image)

    evidence = np.random.default_rng(4).random(SHAPE).astype(np.float32) ** 3
    gradient = Sluggish(evidence)
    gradient.at_once = at_once
    found = sweep_area(gradient, EVERYTHING, sweep(iterations=30), silent)
    expected = sweep_area(LinearEvidence(evidence), EVERYTHING, sweep(iterations=30), silent)
    assert found.trace == expected.trace
    assert np.array_equal(found.final.region, expected.final.region)


def test_what_another_sweep_began_with_is_not_evaluated_again() -> None:
    evidence = np.random.default_rng(4).random(SHAPE).astype(np.float32)
    before = sweep_area(LinearEvidence(evidence), EVERYTHING, sweep(iterations=9), silent)
    gradient = LinearEvidence(evidence)
    again = sweep_area(gradient, EVERYTHING, sweep(iterations=9), silent, first=before.first)
    assert again.trace == before.trace
    assert (again.evaluations, len(gradient.asked)) == (8, 8)


def test_an_error_of_the_model_ends_the_sweep() -> None:
    class Failing(LinearEvidence):
        def evaluate(
            self, mask: npt.NDArray[np.float32], baseline: int = 0, image: npt.NDArray[np.float32] | None = None
        ) -> Evaluation:
            if len(self.asked) == 4:
                raise ModelError("lost")
            return super().evaluate(mask, baseline, image)

    gradient = Failing(block(10, 20))
    with pytest.raises(ModelError, match="lost"):
        sweep_area(gradient, EVERYTHING, sweep(iterations=30), silent)
    assert len(gradient.asked) == 4
