"""Keeping fewer of the best pixels: the answer is known, since the model asked here counts pixels."""

import numpy as np
import pytest

from misure_onnx.methods.misure.area_sweep import BINARY_AT
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
    assert moved.min() >= 0
    assert moved.max() <= 1


def test_nothing_changes_where_no_smaller_region_passes() -> None:
    region, moved = tightened(REGION, SCORES, lambda _: False)
    assert region is REGION
    assert moved is SCORES


def test_pixels_with_the_same_score_stay_or_go_together() -> None:
    flat = np.where(REGION, np.float32(0.9), np.float32(0.1))
    region, _ = tightened(REGION, flat, lambda asked: int(asked.sum()) >= 150)
    assert np.array_equal(region, REGION)
