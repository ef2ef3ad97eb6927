"""How good a score is at telling right from wrong predictions: ROC, calibration, risk against coverage."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from misure_onnx.intervals import Interval, Weights, bootstrap_interval

Numbers = npt.NDArray[np.float64]
Answers = npt.NDArray[np.bool_]

_BINS = 10


def auc(scores: Numbers, right: Answers, weights: Weights | None = None) -> float | None:
    """Area under the ROC curve: P(score of a right one > score of a wrong one), ties count half.

    Args:
        scores: (n,), larger = more trustworthy.
        right: (n,).
        weights: (n,) how often each occurs; None: once.

    Returns:
        None where there are only right ones, or only wrong ones.
    """
    _, place = np.unique(scores, return_inverse=True)
    often = np.ones(len(scores)) if weights is None else weights.astype(np.float64)
    positive, negative = np.bincount(place, often * right), np.bincount(place, often * ~right)
    compared = positive.sum() * negative.sum()
    if compared == 0:
        return None
    below = np.cumsum(negative) - negative
    return float((positive * (below + negative / 2)).sum() / compared)


def auc_interval(scores: Numbers, right: Answers, groups: Sequence[str], seed: int) -> Interval | None:
    """95 %, by drawing whole groups."""
    return bootstrap_interval(lambda weights: auc(scores, right, weights), groups, seed=seed)


def auc_difference_interval(
    one: Numbers, other: Numbers, right: Answers, groups: Sequence[str], seed: int
) -> Interval | None:
    """95 % of AUC(one) - AUC(other) on the same draws."""

    def difference(weights: Weights) -> float | None:
        both = auc(one, right, weights), auc(other, right, weights)
        return None if both[0] is None or both[1] is None else both[0] - both[1]

    return bootstrap_interval(difference, groups, seed=seed)


def roc(scores: Numbers, right: Answers) -> list[tuple[float, float]]:
    """(false positive rate, true positive rate) from (0, 0) to (1, 1), a point a distinct score."""
    true, false = _accepted(scores, right)
    rates = zip(false / max(1, false[-1]), true / max(1, true[-1]), strict=True)
    return [(0.0, 0.0), *((float(f), float(t)) for f, t in rates)]


def risk_coverage(scores: Numbers, right: Answers) -> list[tuple[float, float]]:
    """(share of the predictions that is accepted, share of wrong ones among these), a point a distinct score."""
    true, false = _accepted(scores, right)
    count = true + false
    return [(float(c / len(scores)), float(w / c)) for c, w in zip(count, false, strict=True)]


def _accepted(scores: Numbers, right: Answers) -> tuple[Numbers, Numbers]:
    """How many right and how many wrong ones are accepted, as the bound goes down from score to score."""
    _, place = np.unique(-scores, return_inverse=True)
    return np.cumsum(np.bincount(place, right)), np.cumsum(np.bincount(place, ~right))


def area_under_risk(scores: Numbers, right: Answers) -> float:
    """Mean risk over all coverages (AURC, Geifman et al. 2019): lower is better; ties in the middle of their range."""
    points = [(0.0, 0.0), *((c, r * c) for c, r in risk_coverage(scores, right))]  # wrong ones accepted, linear in ties
    coverage = np.linspace(1 / len(scores), 1, len(scores))
    wrong = np.interp(coverage, [c for c, _ in points], [w for _, w in points])
    return float((wrong / coverage).mean())


@dataclass(frozen=True)
class Bin:
    """Predictions whose probability lies in one tenth: how many, their mean probability, the share that is right."""

    count: int
    predicted: float
    observed: float


def calibration(probabilities: Numbers, right: Answers) -> list[Bin]:
    """The tenths that hold a prediction."""
    tenth = np.minimum((probabilities * _BINS).astype(int), _BINS - 1)
    return [
        Bin(int(inside.sum()), float(probabilities[inside].mean()), float(right[inside].mean()))
        for inside in (tenth == k for k in range(_BINS))
        if inside.any()
    ]


def calibration_error(bins: Sequence[Bin]) -> float:
    """Expected calibration error: |predicted - observed|, mean over the predictions."""
    return sum(one.count * abs(one.predicted - one.observed) for one in bins) / sum(one.count for one in bins)


def brier(probabilities: Numbers, right: Answers) -> float:
    """Mean squared error of the probability."""
    return float(((probabilities - right) ** 2).mean())
