"""ROC, risk and calibration: answers by hand, and definitions re-derived slowly."""

import itertools

import numpy as np
import numpy.typing as npt
import pytest

from misure_onnx.reliability.curves import (
    area_under_risk,
    auc,
    auc_difference_interval,
    auc_interval,
    brier,
    calibration,
    calibration_error,
    risk_coverage,
    roc,
)

SCORES = np.array([0.9, 0.8, 0.8, 0.3, 0.1])
RIGHT = np.array([True, True, False, True, False])


def slowly(scores: npt.NDArray[np.float64], right: npt.NDArray[np.bool_]) -> float:
    """Every right prediction against every wrong one."""
    wins = [(a > b) + (a == b) / 2 for a, b in itertools.product(scores[right], scores[~right])]
    return float(np.mean(wins))


def test_auc_counts_pairs_and_ties_half() -> None:
    assert auc(SCORES, RIGHT) == pytest.approx(4.5 / 6)
    rng = np.random.default_rng(0)
    for _ in range(30):
        scores, right = rng.integers(0, 6, 25) / 5, rng.random(25) < 0.4
        right[:2] = True, False
        assert auc(scores, right) == pytest.approx(slowly(scores, right))


def test_weights_are_repetitions() -> None:
    weights = np.array([1, 0, 2, 3, 1])
    repeated = np.repeat(SCORES, weights), np.repeat(RIGHT, weights)
    assert auc(SCORES, RIGHT, weights) == pytest.approx(auc(*repeated))


def test_one_answer_alone_has_no_auc() -> None:
    assert auc(SCORES, np.ones(5, bool)) is None
    assert auc(SCORES, np.zeros(5, bool)) is None


def test_the_area_under_the_points_of_the_roc_is_the_auc() -> None:
    points = np.array(roc(SCORES, RIGHT))
    assert points[0].tolist() == [0, 0]
    assert points[-1].tolist() == [1, 1]
    assert np.trapezoid(points[:, 1], points[:, 0]) == pytest.approx(auc(SCORES, RIGHT))


def test_risk_is_the_share_of_wrong_ones_among_those_accepted() -> None:
    assert risk_coverage(SCORES, RIGHT) == [(0.2, 0.0), (0.6, pytest.approx(1 / 3)), (0.8, 0.25), (1.0, 0.4)]
    distinct = np.array([5.0, 4, 3, 2])
    right = np.array([True, False, True, False])
    assert area_under_risk(distinct, right) == pytest.approx(np.mean([0, 1 / 2, 1 / 3, 2 / 4]))


def test_a_constant_score_has_the_base_risk_at_every_coverage() -> None:
    assert area_under_risk(np.ones(5), RIGHT) == pytest.approx(0.4)


def test_calibration_by_hand() -> None:
    probabilities = np.array([0.05, 0.15, 0.15, 1.0])
    bins = calibration(probabilities, np.array([False, True, False, True]))
    assert [(one.count, one.predicted, one.observed) for one in bins] == [
        (1, pytest.approx(0.05), 0),
        (2, pytest.approx(0.15), 0.5),
        (1, 1, 1),
    ]
    assert calibration_error(bins) == pytest.approx((0.05 + 2 * 0.35 + 0) / 4)
    assert brier(probabilities, np.array([False, True, False, True])) == pytest.approx(
        (0.05**2 + 0.85**2 + 0.15**2 + 0) / 4
    )


def test_intervals_hold_the_auc_and_no_difference_for_the_same_score() -> None:
    rng = np.random.default_rng(0)
    right = rng.random(60) < 0.5
    scores = right + rng.normal(size=60)
    groups = [f"patient {k // 3}" for k in range(60)]
    interval, area = auc_interval(scores, right, groups, seed=0), auc(scores, right)
    assert interval is not None
    assert area is not None
    assert interval[0] < area < interval[1]
    assert auc_difference_interval(scores, 2 * scores, right, groups, seed=0) == (0, 0)
