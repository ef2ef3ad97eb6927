"""Keeping fewer of the best pixels: the answer is known, since the model asked here counts pixels."""

import math

import numpy as np
import pytest

from misure_onnx.methods.misure.pixel_scores import BINARY_AT
from misure_onnx.methods.misure.tightened import tightened
from misure_onnx.types import Region

SCORES = np.random.default_rng(0).permutation(np.linspace(0.01, 0.99, 400)).astype(np.float32).reshape(20, 20)
REGION = np.asarray(SCORES > 0.5)


@pytest.mark.parametrize("needed", [110, 150, 199])
def test_the_fewest_pixels_that_pass_are_kept_and_they_are_the_best_ones(needed: int) -> None:
    region, _ = tightened(REGION, SCORES, lambda asked: int(asked.sum()) >= needed)
    kept = int(region.sum())
    assert needed <= kept <= needed + REGION.sum() / 2 / 2**6 + 1
    assert SCORES[region].min() > SCORES[~region].max()


def test_areas_from_half_of_the_present_one_on_are_halved() -> None:
    """By hand: between 100 and 200 pixels, where 130 are needed; what has passed is the upper end."""
    asked: list[int] = []

    def passes(candidate: Region) -> bool:
        asked.append(int(candidate.sum()))
        return asked[-1] >= 130

    best_200 = np.asarray(np.sort(SCORES, axis=None)[-200] <= SCORES)
    region, _ = tightened(best_200, SCORES, passes)
    assert asked == [150, 125, 137, 131, 128, 129]
    assert region.sum() == 131
    asked.clear()
    tightened(best_200, SCORES, lambda candidate: passes(candidate) or asked[-1] >= 0)
    assert asked == [150, 125, 112, 106, 103, 101], "no less than half is tried"


def test_pixels_with_the_same_score_do_not_hide_a_smaller_region_that_passes() -> None:
    """The scores from the 121st to the 180th are one: an area among them that passes means 120, and fewer may do."""
    in_order = np.linspace(0.99, 0.01, 400)
    in_order[120:180] = in_order[120]
    tied = in_order.astype(np.float32).reshape(20, 20)
    asked: list[int] = []

    def passes(candidate: Region) -> bool:
        asked.append(int(candidate.sum()))
        return asked[-1] >= 105

    region, moved = tightened(np.asarray(tied > tied.flat[200]), tied, passes)
    assert asked == [120, 112, 106, 103, 104], "what has passed is not asked about again"
    assert region.sum() == 106
    assert np.array_equal(moved > BINARY_AT, region)


def test_scores_of_exactly_0_and_1_are_no_place_to_cut_since_their_logit_is_infinite() -> None:
    for saturated in (np.where(SCORES > 0.9, 1, SCORES), np.where(SCORES > 0.9, SCORES, 0), np.round(SCORES)):
        for needed in (0, 50, 150):
            region, moved = tightened(REGION, saturated.astype(np.float32), lambda asked: int(asked.sum()) >= needed)  # noqa: B023 - called at once
            assert np.isfinite(moved).all()
            if region is not REGION:
                assert needed <= region.sum() < REGION.sum()
                assert np.array_equal(moved > BINARY_AT, region)


def test_every_region_that_is_returned_has_passed() -> None:
    passed: list[Region] = []

    def fickle(asked: Region) -> bool:
        if int(asked.sum()) % 3 == 0:
            passed.append(asked)
            return True
        return False

    region, _ = tightened(REGION, SCORES, fickle)
    assert region is REGION or any(region is asked for asked in passed)


def test_the_scores_move_so_that_the_region_is_where_they_are_above_one_half_and_keep_their_order() -> None:
    region, moved = tightened(REGION, SCORES, lambda asked: int(asked.sum()) >= 130)
    assert np.array_equal(moved > BINARY_AT, region)
    order = np.argsort(SCORES, axis=None)
    assert (np.diff(moved.ravel()[order]) >= 0).all()
    assert moved.dtype == np.float32
    level = float(SCORES[~region].max())
    shift = math.log(level / (1 - level))
    for place in [(0, 0), (3, 7), (12, 19), *map(tuple, np.argwhere(region)[:5])]:
        logit = math.log(float(SCORES[place]) / (1 - float(SCORES[place])))
        assert moved[place] == pytest.approx(1 / (1 + math.exp(shift - logit)), abs=1e-5)


def test_nothing_changes_where_no_smaller_region_passes() -> None:
    region, moved = tightened(REGION, SCORES, lambda _: False)
    assert region is REGION
    assert moved is SCORES


def test_pixels_with_the_same_score_stay_or_go_together() -> None:
    flat = np.where(REGION, np.float32(0.9), np.float32(0.1))
    region, _ = tightened(REGION, flat, lambda asked: int(asked.sum()) >= 150)
    assert np.array_equal(region, REGION)
