"""Classifiers as a JSON file: trained, validated, saved, read and applied. Nothing in it is executed."""

import dataclasses
import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from misure_onnx import __version__
from misure_onnx.errors import InputError, ParameterError
from misure_onnx.reliability.examples import FEATURES, Examples, examples
from misure_onnx.reliability.logistic import Logistic
from misure_onnx.reliability.validation import Validation, too_few, validate

SCHEMA = "misure-onnx/reliability/1"


@dataclass(frozen=True)
class Trained:
    """Classifiers, one a class.

    Attributes:
        threshold: Dice from which on a prediction counts as right.
        features: the set of features.
        method: whose explanations.
        classifiers: by class.
        validations: by class, what each is worth; empty for those read from a file.
        left_out: by class, why there is no classifier.
        record: what the file holds.
    """

    threshold: float
    features: str
    method: str
    classifiers: dict[str, Logistic]
    validations: dict[str, Validation]
    left_out: dict[str, str]
    record: dict[str, Any] = field(default_factory=dict)


def train(
    rows: Iterable[dict[str, Any]],
    *,
    threshold: float = 0.9,
    features: str = "paper",
    method: str | None = None,
    folds: int = 5,
    seed: int = 0,
) -> Trained:
    """Trains a classifier a class, and validates it on groups that it has not seen.

    Args:
        rows: of audits with ground truth, with the columns `examples.COLUMNS`.
        threshold: Dice with the truth from which on a prediction is right (the paper: 0.9).
        features: in `FEATURES`.
        method: whose explanations; None: the table's only one's.
        folds: of the cross-validation; fewer where there are fewer groups.
        seed: of folds and intervals.

    Raises:
        ParameterError: a value out of range, no such features.
        InputError: no ground truth, or no class from which something can be learned.
    """
    if not 0 < threshold <= 1:
        raise ParameterError(f"threshold must lie above 0 and be at most 1, got {threshold}")
    if folds < 2:
        raise ParameterError(f"folds must be at least 2, got {folds}")
    found = [_with_truth(one) for one in examples(rows, features, method)]
    if not any(len(one.dice) for one in found):
        raise InputError("no row has a Dice with the truth: audit a data set with ground truth")
    classifiers, validations, left_out = dict[str, Logistic](), dict[str, Validation](), dict[str, str]()
    for known in found:
        right = known.dice >= threshold
        reason = too_few(right, known.groups)
        if reason is None:
            classifiers[known.label], validations[known.label] = validate(known, right, folds, seed)
        else:
            left_out[known.label] = reason
    if not classifiers:
        raise InputError("; ".join(f"{label}: {reason}" for label, reason in left_out.items()))
    of_method = next(row["method"] for one in found for row in one.rows)
    trained = Trained(threshold, features, of_method, classifiers, validations, left_out)
    return dataclasses.replace(trained, record=_record(trained, seed))


def _with_truth(one: Examples) -> Examples:
    known = np.isfinite(one.dice)
    pick = np.flatnonzero(known).tolist()
    return Examples(
        one.label, tuple(one.rows[k] for k in pick), one.features, one.values[known], one.confidence[known],
        tuple(one.groups[k] for k in pick), one.dice[known],
    )  # fmt: skip


def _record(trained: Trained, seed: int) -> dict[str, Any]:
    return {
        "schema": SCHEMA,
        "version": __version__,
        "dice_threshold": trained.threshold,
        "features": {"set": trained.features, "columns": list(FEATURES[trained.features])},
        "method": trained.method,
        "seed": seed,
        "classes": {
            label: {"classifier": dataclasses.asdict(one), "validation": dataclasses.asdict(trained.validations[label])}
            for label, one in trained.classifiers.items()
        },
        "left_out": trained.left_out,
    }


def load_trained(place: Path) -> Trained:
    """Reads a file that `misure reliability train` wrote.

    Raises:
        InputError: it is none.
    """
    try:
        document = json.loads(place.read_text(encoding="utf-8"))
        if document.get("schema") != SCHEMA:
            raise InputError(f"{str(place)!r} has schema {document.get('schema')!r}, expected {SCHEMA!r}")
        columns = tuple(document["features"]["columns"])
        if columns != FEATURES.get(document["features"]["set"]):
            raise InputError(f"{str(place)!r} was trained on features of another version: train it again")
        classifiers = {label: _read(one["classifier"], len(columns)) for label, one in document["classes"].items()}
        return Trained(
            document["dice_threshold"], document["features"]["set"], document["method"], classifiers, {}, {}, document
        )
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise InputError(f"{str(place)!r} is no file of misure reliability train: {error}") from error


def _read(fields: dict[str, Any], count: int) -> Logistic:
    lists = [tuple(float(value) for value in fields[name]) for name in ("means", "scales", "coefficients")]
    if any(len(values) != count for values in lists) or min(lists[1]) <= 0:
        raise ValueError("a classifier has not one mean, scale and coefficient a feature")
    return Logistic(lists[0], lists[1], lists[2], float(fields["intercept"]))


@dataclass(frozen=True)
class Trust:
    """One prediction: where it is, the probability that it is right, and whether it is accepted."""

    image: str
    label: str
    object: int
    probability: float | None
    accepted: bool


def predict(rows: Iterable[dict[str, Any]], trained: Trained, accept: float = 0.5) -> list[Trust]:
    """The probability that each explained prediction is right; None for classes without a classifier.

    Args:
        rows: of an audit, with the columns `examples.COLUMNS`; no ground truth is needed.
        trained: the classifiers.
        accept: the least probability with which a prediction is accepted.

    Raises:
        ParameterError: `accept` is no probability.
        InputError: no row has an explanation of the method that they were trained on.
    """
    if not 0 <= accept <= 1:
        raise ParameterError(f"accept must be a probability from 0 to 1, got {accept}")
    found = []
    for one in examples(rows, trained.features, trained.method):
        classifier = trained.classifiers.get(one.label)
        sure = [None] * len(one.rows) if classifier is None else classifier.probabilities(one.values).tolist()
        found += [
            Trust(row["image"], one.label, row["object"], p, p is not None and p >= accept)
            for row, p in zip(one.rows, sure, strict=True)
        ]
    return found
