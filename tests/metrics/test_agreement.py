"""Two rows of numbers, or two maps, in the same order: as SciPy says, and what constants are said to be."""

import numpy as np
import pytest
from scipy.stats import spearmanr

from misure_onnx.metrics.agreement import map_agreement, spearman

RNG = np.random.default_rng(0)
FIRST, SECOND = (RNG.integers(0, 9, (8, 9)).astype(np.float32) for _ in range(2))
FLAT = np.ones((8, 9), np.float32)


def test_it_is_scipy_s_with_ties_over_all_pixels() -> None:
    expected = spearmanr(FIRST.ravel(), SECOND.ravel()).statistic
    assert spearman(FIRST, SECOND) == pytest.approx(expected)
    assert map_agreement(FIRST, SECOND) == pytest.approx(expected)


def test_by_hand() -> None:
    assert spearman(np.array([1.0, 2, 3]), np.array([10.0, 30, 20])) == pytest.approx(0.5)


def test_the_order_alone_counts() -> None:
    assert spearman(FIRST, np.exp(FIRST)) == map_agreement(FIRST, np.exp(FIRST)) == 1
    assert spearman(FIRST, -FIRST) == map_agreement(FIRST, -FIRST) == -1


def test_what_is_constant_has_no_order() -> None:
    assert spearman(FLAT, FIRST) is None
    assert spearman(FIRST, FLAT) is None
    assert spearman(FLAT, 2 * FLAT) is None
    assert spearman(np.array([1.0]), np.array([1.0])) is None
    assert spearman(np.array([]), np.array([])) is None


def test_a_map_agrees_with_itself_exactly() -> None:
    assert all(map_agreement(again, again.copy()) == 1 for again in RNG.standard_normal((20, 8, 9)).astype(np.float32))


def test_two_constant_maps_agree_and_one_agrees_with_no_other() -> None:
    assert map_agreement(FLAT, FLAT) == map_agreement(FLAT, 2 * FLAT) == 1
    assert map_agreement(FLAT, FIRST) == map_agreement(FIRST, FLAT) == 0


def test_nearly_the_same_order_of_many_pixels_stays_in_the_range() -> None:
    many = np.arange(100_000, dtype=np.float32)
    swapped = many.copy()
    swapped[:2] = swapped[1::-1]
    assert map_agreement(many, swapped) <= 1
