"""What a classifier is worth on groups that it has not seen, beside what the model's own confidence is worth."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from misure_onnx.intervals import Interval
from misure_onnx.reliability.curves import (
    Answers,
    Bin,
    Numbers,
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
from misure_onnx.reliability.examples import Examples
from misure_onnx.reliability.logistic import Logistic, fit

LEAST_GROUPS = 4
"""Fewer groups, or fewer with each answer, say nothing."""


@dataclass(frozen=True)
class Score:
    """One way to rank predictions.

    Attributes:
        name: classifier (on groups that it was not trained on), max_probability, or entropy.
        auc, auc_interval: area under the ROC curve, and 95 % by drawing groups.
        area_under_risk: mean risk over all coverages.
        roc, risk_coverage: the curves.
    """

    name: str
    auc: float
    auc_interval: Interval | None
    area_under_risk: float
    roc: tuple[tuple[float, float], ...]
    risk_coverage: tuple[tuple[float, float], ...]


@dataclass(frozen=True)
class Validation:
    """A class's classifier on groups that it has not seen.

    Attributes:
        count, groups: predictions, and groups of them.
        base_rate: share of right predictions.
        majority_accuracy: accuracy of always giving the more frequent answer: what an accuracy must be read beside.
        accuracy: of the classifier, at probability 0.5.
        brier, calibration_error, calibration: of its probabilities.
        scores: the classifier first.
        gain_interval: by the name of the other score, 95 % of the classifier's AUC minus its.
        folds: of the cross-validation.
    """

    count: int
    groups: int
    base_rate: float
    majority_accuracy: float
    accuracy: float
    brier: float
    calibration_error: float
    calibration: tuple[Bin, ...]
    scores: tuple[Score, ...]
    gain_interval: dict[str, Interval | None]
    folds: int


def too_few(right: Answers, groups: Sequence[str]) -> str | None:
    """Why nothing can be learned from these, if so."""
    kinds = {answer: len({g for g, r in zip(groups, right, strict=True) if r == answer}) for answer in (True, False)}
    if min(kinds.values()) >= LEAST_GROUPS:
        return None
    return (
        f"{kinds[True]} groups have a right prediction and {kinds[False]} a wrong one; {LEAST_GROUPS} of each are "
        "needed (another --threshold changes what counts as right)"
    )


def validate(known: Examples, right: Answers, folds: int, seed: int) -> tuple[Logistic, Validation]:
    """The classifier trained on everything, and what such a one is worth on groups it has not seen."""
    unseen, used = out_of_fold(known.values, right, known.groups, folds, seed)
    ranked = {"classifier": unseen}
    if np.isfinite(known.confidence).all():
        ranked |= {"max_probability": known.confidence[:, 0], "entropy": -known.confidence[:, 1]}
    bins = calibration(unseen, right)
    rate = float(right.mean())
    return fit(known.values, right), Validation(
        count=len(right),
        groups=len(set(known.groups)),
        base_rate=rate,
        majority_accuracy=max(rate, 1 - rate),
        accuracy=float(((unseen > 0.5) == right).mean()),
        brier=brier(unseen, right),
        calibration_error=calibration_error(bins),
        calibration=tuple(bins),
        scores=tuple(_score(name, values, right, known.groups, seed) for name, values in ranked.items()),
        gain_interval={
            name: auc_difference_interval(unseen, values, right, known.groups, seed)
            for name, values in ranked.items()
            if name != "classifier"
        },
        folds=used,
    )


def out_of_fold(values: Numbers, right: Answers, groups: Sequence[str], folds: int, seed: int) -> tuple[Numbers, int]:
    """(n,) probabilities from classifiers that have seen no prediction of the same group; and how many folds."""
    from sklearn.model_selection import StratifiedGroupKFold  # noqa: PLC0415 - the command line must start fast

    numbers = np.unique(groups, return_inverse=True)[1]
    least = min(len(set(numbers[right])), len(set(numbers[~right])))
    used = max(2, min(folds, least))
    found = np.full(len(right), np.nan)
    splits = StratifiedGroupKFold(used, shuffle=True, random_state=seed).split(values, right, numbers)
    for training, testing in splits:
        answers = right[training]
        constant = answers.all() or not answers.any()
        found[testing] = answers.mean() if constant else fit(values[training], answers).probabilities(values[testing])
    return found, used


def _score(name: str, values: Numbers, right: Answers, groups: Sequence[str], seed: int) -> Score:
    area = auc(values, right)
    if area is None:
        raise RuntimeError("both answers occur: checked before")
    return Score(
        name,
        area,
        auc_interval(values, right, groups, seed),
        area_under_risk(values, right),
        tuple(roc(values, right)),
        tuple(risk_coverage(values, right)),
    )
