"""The sweep against a transcription of its description, a mask at a time and in double precision."""

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pytest

from misure_onnx.gradients.base import Evaluation, Fidelity
from misure_onnx.mask import moved, smoothed
from misure_onnx.methods.misure.area_sweep import sweep_area
from misure_onnx.methods.misure.disturbance import Disturbance
from misure_onnx.methods.misure.minimal_region import OptimisedMask
from misure_onnx.methods.misure.pixel_scores import BINARY_AT, area_step
from misure_onnx.methods.misure.sweep import Sweep
from misure_onnx.methods.progress import silent
from tests.methods.misure.test_area_sweep import EVERYTHING, SHAPE, block
from tests.methods.misure.test_minimal_region import lines

Array = npt.NDArray[np.float64]
Region = npt.NDArray[np.bool_]
rng = np.random.default_rng(0)
GRADED = [rng.random(SHAPE) ** 4 * (0.2 + block(3 + 5 * k, 4 + 9 * k, 18, 20)) for k in range(4)]
CHEQUERED = np.indices(SHAPE).sum(axis=0) % 2 * rng.uniform(0.9, 1.1, SHAPE)
PIXEL = 1 / GRADED[0].size
IMAGE = rng.normal(0, 1, (1, 2, *SHAPE)).astype(np.float32)


class BentEvidence:
    """Two shares of evidence, one squared, so that the gradient turns as the mask shrinks; a pair a baseline."""

    route = "hand-made"
    fidelity = Fidelity(None, None, 1.0, None)
    at_once = 1

    def __init__(self, *evidence: Array) -> None:
        self.evidence = [e / e.sum() for e in evidence]
        self.asked: list[tuple[int, bool]] = []

    def shares(self, mask: Array, baseline: int) -> tuple[float, Array]:
        one, two = self.evidence[baseline], np.roll(self.evidence[baseline], 7, axis=1)
        first, second = float((mask * one).sum()), float((mask * two).sum())
        return (first**2 + second) / 2, np.asarray((2 * first * one + two) / 2)

    def evaluate(
        self, mask: npt.NDArray[np.float32], baseline: int = 0, image: npt.NDArray[np.float32] | None = None
    ) -> Evaluation:
        assert mask.dtype == np.float32
        self.asked.append((baseline, image is not None))
        share, gradient = self.shares(mask.astype(np.float64), baseline)
        return Evaluation(1.5 - share, share, np.asarray(-gradient, np.float32))


@dataclass
class Expected:
    """What the transcription met: every mask and what it gave, and the sufficient ones with their soft masks."""

    regions: list[Region]
    asked: list[int]
    dice: list[float]
    feasible: list[tuple[int, Region, Array]]
    soft: Array
    smoothings: list[float]


def whose_turn(known: dict[int, float], seen: list[int], clock: int) -> int:
    """Until all have answered, the one asked longest ago; one not asked for two rounds; the worst."""
    kinds = range(len(seen))
    oldest = min(kinds, key=lambda kind: (seen[kind], kind))
    if len(known) < len(kinds):
        return oldest
    return oldest if clock - seen[oldest] > 2 * len(kinds) else min(kinds, key=lambda k: (known[k], seen[k]))


def direction(towards: Array, start: Region, grid_size: tuple[int, ...], smoothing: float) -> Array:
    """Inside the region, smoothed, as the grid can hold it, at unit root mean square."""
    inside = np.where(start, towards, 0)
    if smoothing >= 0.3:
        inside = smoothed(inside.astype(np.float32), smoothing).astype(np.float64)
    if grid_size != SHAPE:
        rows, columns = (lines(n, extent) for n, extent in zip(grid_size, SHAPE, strict=True))
        inside = rows @ (rows.T @ inside @ columns) @ columns.T
    inside = np.where(start, inside, 0)
    length = math.sqrt((inside**2).sum() / start.sum())
    return np.asarray(inside / length if length > 0 else inside)


def change_of_area(worst: float, tau: float) -> float:
    """In the logarithm: -8 to -28 % while the mask passes, +1 to +11 % while it does not."""
    room = min(1.0, max(-1.5, (worst - tau) / (1 - tau)))
    return -0.08 - 0.2 * room if room > 0 else 0.01 - 0.065 * room


def logistic(scores: Array, threshold: float | None, start: Region) -> Array:
    """The soft mask: one half at the threshold, in standard deviations of the region's scores."""
    if threshold is None:
        return start.astype(np.float64)
    spread = scores[start].std() or 1.0
    soft = 1 / (1 + np.exp(-np.clip((scores - threshold) / spread, -30, 30)))
    return np.asarray(np.where(scores >= threshold, np.maximum(soft, 0.5), soft) * start)


def slowly(problem: BentEvidence, start: Region, sweep: Sweep, prior: Array | None) -> Expected:
    """As `sweep_area` and the attributes of `Sweep` describe it, with two masks on their way."""
    most, kinds = int(start.sum()), len(sweep.groups)
    scores = np.zeros(SHAPE) if prior is None else np.where(start, prior, 0)
    area, smoothing, descent = float(most), sweep.smoothing, sweep.descent
    last_gain, last_refined, smallest, has_failed = 0, 0, most, False
    known: dict[int, float] = {}
    turns, seen = [0] * kinds, [-1] * kinds
    made = Expected([], [], [], [], np.zeros(SHAPE), [])
    waiting: list[tuple[Region, Array, float | None]] = [(start, scores, None)]
    begun: list[tuple[int, int, Array, Array]] = []
    left = max(1, sweep.iterations) - 1
    while waiting:
        for region, _, _ in waiting[len(begun) - len(made.dice) :]:
            step, kind = len(begun), whose_turn(known, seen, len(begun))
            baseline = sweep.groups[kind][turns[kind] % len(sweep.groups[kind])]
            turns[kind] += 1
            seen[kind] = step
            shift = (0, 0) if sweep.disturbance is None else sweep.disturbance.at(step)[0]
            dice, towards = problem.shares(moved(region.astype(np.float64), shift), baseline)
            begun.append((kind, baseline, np.array(dice), moved(towards, [-pixels for pixels in shift])))
        iteration = len(made.dice)
        region, scores_then, threshold = waiting.pop(0)
        kind, baseline, answer, towards = begun[iteration]
        known[kind] = float(answer)
        worst = min(known.values())
        made.regions.append(region)
        made.asked.append(baseline)
        made.dice.append(float(answer))
        made.soft = logistic(scores_then, threshold, start)
        if len(known) == kinds and worst > sweep.tau and (not made.feasible or region.sum() < smallest):
            made.feasible.append((iteration, region, made.soft))
            last_gain, smallest = iteration, int(region.sum())
        has_failed = has_failed or worst <= sweep.tau
        stalled = has_failed and iteration - max(last_gain, last_refined) >= 3 * kinds
        if stalled and smallest > 0.25 * most and smoothing > sweep.smoothing / 4:
            smoothing, last_refined = smoothing / 2, iteration
        if sweep.patience and iteration - last_gain > sweep.patience:
            left = 0
        made.smoothings.append(smoothing if smoothing >= 0.3 else 0)
        scores = scores + direction(towards, start, sweep.grid_size, smoothing)
        while left and len(waiting) < 2:
            descent = 1.0 if worst <= sweep.tau else descent
            area *= math.exp(change_of_area(worst, sweep.tau) * descent / math.sqrt(kinds))
            area = min(max(area, 4), most)
            threshold = sorted(scores[start].tolist(), reverse=True)[int(area) - 1]
            waiting.append((np.asarray((scores >= threshold) & start), scores, threshold))
            left -= 1
    return made


def compared(
    evidence: list[Array], start: Region = EVERYTHING, prior: Array | None = None, **changed: object
) -> tuple[Expected, OptimisedMask]:
    settings = {"tau": 0.8, "iterations": 50, "patience": 0, "smoothing": 0.0, "grid_size": SHAPE, **changed}
    sweep = Sweep(**settings)  # type: ignore[arg-type]
    problem = BentEvidence(*evidence)
    expected = slowly(problem, start, sweep, prior)
    told: list[tuple[str, int, int]] = []
    given = None if prior is None else prior.astype(np.float32)
    found = sweep_area(problem, start, sweep, lambda *step: told.append(step), given)
    count = len(expected.regions)
    assert [baseline for baseline, _ in problem.asked] == expected.asked
    assert {noisy for _, noisy in problem.asked} == {bool(sweep.disturbance and sweep.disturbance.noise)}
    assert found.evaluations == count
    assert list(found.trace) == ["loss", "dice", "area"]
    # Scores that only double precision tells apart stay or go together: a pixel now and then.
    assert found.trace["area"] == pytest.approx([region.mean() for region in expected.regions], abs=1.1 * PIXEL)
    assert found.trace["dice"] == pytest.approx(expected.dice, abs=PIXEL)
    assert found.trace["loss"] == pytest.approx([1.5 - dice for dice in expected.dice], abs=PIXEL)
    assert told == [("minimal region", done + 1, sweep.iterations) for done in range(count)]
    assert [candidate.iteration for candidate in found.feasible] == [place for place, *_ in expected.feasible[::-1]]
    for candidate, (place, region, soft) in zip(found.feasible, expected.feasible[::-1], strict=True):
        assert (candidate.region ^ region).sum() <= 1
        assert np.abs(candidate.soft - soft).max() < 2e-3
        assert candidate.dice == pytest.approx(expected.dice[place], abs=PIXEL)
    assert (found.final.region ^ expected.regions[-1]).sum() <= 1
    assert np.abs(found.final.soft - expected.soft).max() < 2e-3
    assert found.final.iteration == count - 1
    assert found.final.dice == pytest.approx(expected.dice[-1], abs=PIXEL)
    for candidate in (*found.feasible, found.final):
        assert candidate.soft.dtype == np.float32
        assert np.array_equal(candidate.soft > BINARY_AT, candidate.region)
    return expected, found


def test_the_area_falls_and_rises_with_the_dice() -> None:
    expected, _ = compared(GRADED[:1])
    passed = np.array(expected.dice) > 0.8
    assert 5 < passed.sum() < 45, "masks on both sides of tau are needed to test anything"
    assert len(expected.feasible) > 3


@pytest.mark.parametrize("descent", [1.0, 2.5])
def test_scores_can_live_on_a_coarser_grid_and_be_smoothed(descent: float) -> None:
    compared(GRADED[1:2], grid_size=(17, 23), descent=descent)
    expected, _ = compared(GRADED[1:2], smoothing=1.5, descent=descent)
    assert expected.smoothings[0] == 1.5
    assert set(compared(GRADED[1:2], smoothing=0.29)[0].smoothings) == {0}
    assert compared(GRADED[1:2], smoothing=0.3)[0].smoothings[0] == 0.3


@pytest.mark.parametrize("groups", [((0,), (1,)), ((0,), (1, 2), (3,)), ((3, 2, 1, 0),), ((2, 0), (1, 3))])
def test_kinds_of_baseline_take_turns_and_the_worst_one_counts(groups: tuple[tuple[int, ...], ...]) -> None:
    expected, _ = compared(GRADED, groups=groups, descent=2.0, iterations=70, tau=0.6)
    assert set(expected.asked) == {index for group in groups for index in group}


def test_a_kind_that_is_never_the_worst_is_asked_after_two_rounds() -> None:
    easy = np.ones(SHAPE)
    expected, _ = compared([GRADED[0], easy, GRADED[1]], groups=((0,), (1,), (2,)), iterations=60)
    asked = np.flatnonzero(np.array(expected.asked) == 1)
    assert asked[0] == 1
    assert np.diff(asked).max() <= 8


@pytest.mark.parametrize("weight", [-20.0, 5.0])
def test_scores_start_where_the_prior_says_inside_the_region(weight: float) -> None:
    start = block(2, 3, 30, 40) > 0
    compared(GRADED[:1], start, weight * GRADED[2], tau=0.3)


@pytest.mark.parametrize("patience", [1, 4, 7])
def test_it_ends_after_so_many_masks_without_a_smaller_one(patience: int) -> None:
    expected, found = compared(GRADED[:1], patience=patience, iterations=300)
    assert found.evaluations == expected.feasible[-1][0] + patience + 3 < 300


def test_smoothing_is_halved_every_third_mask_as_long_as_the_region_stays_large() -> None:
    expected, _ = compared([CHEQUERED], smoothing=6.0, iterations=110, tau=0.99)
    assert expected.smoothings == [*[6.0] * 3, *[3.0] * 3, *[1.5] * 104], "twice at most"
    kinds, _ = compared([CHEQUERED, CHEQUERED], groups=((0,), (1,)), smoothing=6.0, iterations=40, tau=0.99)
    assert [place for place, *_ in kinds.feasible] == [10], "everything, once each kind has answered"
    assert kinds.smoothings == [*[6.0] * 6, *[3.0] * 10, *[1.5] * 24], "three masks of each kind, and after the tenth"
    small, _ = compared([block(4, 4, 12, 12) * rng.random(SHAPE)], smoothing=2.0, iterations=60, tau=0.2)
    assert set(small.smoothings) == {2.0}, "a region that is small already needs no finer detail"


def test_smoothing_that_does_nothing_any_more_is_left_out() -> None:
    """Half of the image is never sufficient: 0.8, 0.4, then below 0.3."""
    expected, found = compared([CHEQUERED], block(0, 0, 40, 25) > 0, smoothing=0.8, iterations=20, tau=0.9)
    assert found.feasible == ()
    assert expected.smoothings == [*[0.8] * 3, *[0.4] * 3, *[0] * 14]
    for patience in (1, 6):
        _, found = compared([CHEQUERED], block(0, 0, 40, 25) > 0, tau=0.9, patience=patience)
        assert found.evaluations == patience + 3


@pytest.mark.parametrize("noise", [0.0, 0.1])
def test_a_moved_mask_s_gradient_is_moved_back_before_it_counts(noise: float) -> None:
    expected, _ = compared(GRADED[:1], disturbance=Disturbance(2, noise, IMAGE, seed=3), tau=0.6)
    assert len({region.sum() for region in expected.regions}) > 5


@pytest.mark.parametrize("pixels", [1, 3, 4, 5, 6])
def test_no_mask_has_fewer_than_four_pixels_unless_the_region_has(pixels: int) -> None:
    start = np.zeros(SHAPE, bool)
    start[10, 10 : 10 + pixels] = True
    everywhere = np.where(start, 1.0 + 0.1 * np.arange(SHAPE[1]), 1e-9)
    expected, _ = compared([everywhere], start, tau=0.01, iterations=30)
    assert min(int(region.sum()) for region in expected.regions) == min(4, pixels)


@pytest.mark.parametrize("iterations", [0, 1, 2, 17])
def test_so_many_masks_are_evaluated_and_at_least_one(iterations: int) -> None:
    _, found = compared(GRADED[:1], iterations=iterations)
    assert found.evaluations == max(1, iterations)


@pytest.mark.parametrize(
    ("dice", "change"),
    [(1.0, -0.28), (0.95, -0.18), (0.9, 0.01), (0.85, 0.0425), (0.75, 0.1075), (0.0, 0.1075)],
)
def test_the_step_grows_with_the_room_and_is_none_at_tau(dice: float, change: float) -> None:
    assert area_step(dice, 0.9) == pytest.approx(change)


def test_without_any_gradient_all_pixels_stay_together() -> None:
    class Flat(BentEvidence):
        def shares(self, mask: Array, baseline: int) -> tuple[float, Array]:
            del baseline
            return 0.9, np.zeros_like(mask)

    problem = Flat(np.ones(SHAPE))
    found = sweep_area(problem, EVERYTHING, Sweep(0.5, 10, 0, 0.0, SHAPE), silent)
    assert found.final.region.all()
    assert (found.final.soft > BINARY_AT).all()
    assert np.ptp(found.final.soft) == 0
    assert len(found.feasible) == 1
    assert sweep_area(problem, EVERYTHING, Sweep(0.9, 10, 0, 0.0, SHAPE), silent).feasible == (), "0.9 is not above 0.9"


def test_a_pixel_whose_score_lies_a_hundred_deviations_below_the_others_overflows_nothing() -> None:
    shape = (100, 110)
    evidence = np.random.default_rng(0).random(shape)
    prior = np.zeros(shape, np.float32)
    prior[50, 50] = -1e6
    found = sweep_area(BentEvidence(evidence), np.ones(shape, bool), Sweep(0.5, 5, 0, 0.0, shape), silent, prior)
    assert found.final.soft[50, 50] < 1e-12
    assert np.isfinite(found.final.soft).all()


def test_a_mask_that_reaches_tau_without_exceeding_it_ends_the_descent_too() -> None:
    class Scripted(BentEvidence):
        def shares(self, mask: Array, baseline: int) -> tuple[float, Array]:
            return [1.0, 0.75, 1.0, 1.0, 1.0][len(self.asked) - 1], super().shares(mask, baseline)[1]

    found = sweep_area(Scripted(GRADED[0]), EVERYTHING, Sweep(0.75, 5, 0, 0.0, SHAPE, descent=3.0), silent)
    areas = np.rint(np.array(found.trace["area"]) * 2000).tolist()
    exponents = [0, 3 * -0.28, 6 * -0.28, 6 * -0.28 + 0.01, 6 * -0.28 + 0.01 - 0.28]
    assert areas == [int(2000 * math.exp(exponent)) for exponent in exponents], "two masks had begun before it"
