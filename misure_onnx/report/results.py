"""What an audit found, class by class and method by method, with intervals."""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from misure_onnx.audit.columns import Row, group_of, label_of
from misure_onnx.intervals import Interval, Weights, bootstrap_interval, weighted_median

MEDIANS = (
    "perturbation_ratio", "dice_explained", "dilations", "predicted_mask_dice", "random_mask_dice", "dice_truth",
)  # fmt: skip
"""Columns whose medians are reported; the two of a mask are the yardsticks of Dice explained."""
COLUMNS = ("image", "group", "class_index", "class_name", "method", "error", "passed", *MEDIANS)

Numbers = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Estimate:
    """A statistic.

    Attributes:
        value: it.
        interval: 95 %, groups drawn; None for fewer than two groups.
        count: values that it is of.
    """

    value: float
    interval: Interval | None
    count: int


@dataclass(frozen=True, eq=False)
class ClassResults:
    """One class and method.

    Attributes:
        label, method: which.
        count, groups: explained predictions, and groups (patients, else images) of them.
        medians: by column; None where no row has the number.
        passed: share of the regions that exceed tau, of those that were judged.
        values: by column, (n,) the finite numbers, for plots.
    """

    label: str
    method: str
    count: int
    groups: int
    medians: dict[str, Estimate | None]
    passed: Estimate | None
    values: dict[str, Numbers]


def results(rows: Iterable[Row], seed: int = 0) -> list[ClassResults]:
    """Of every class and method that has an explanation, in the order of their names.

    Args:
        rows: with `COLUMNS`.
        seed: of the intervals.
    """
    return [_of(name, method, some, seed) for (name, method), some in explained(rows).items()]


def explained(rows: Iterable[Row]) -> dict[tuple[str, str], list[Row]]:
    """Rows that have an explanation, by class and method in the order of their names."""
    found: dict[tuple[str, str], list[Row]] = {}
    for row in rows:
        if row["error"] is None and row["dice_explained"] is not None:
            found.setdefault((label_of(row), row["method"]), []).append(row)
    return dict(sorted(found.items()))


def _of(name: str, method: str, rows: list[Row], seed: int) -> ClassResults:
    groups = [group_of(row) for row in rows]
    columns = {column: _column(rows, column) for column in (*MEDIANS, "passed")}
    return ClassResults(
        name,
        method,
        len(rows),
        len(set(groups)),
        {column: _median(columns[column], groups, seed) for column in MEDIANS},
        _share(columns["passed"], groups, seed),
        {column: columns[column][np.isfinite(columns[column])] for column in MEDIANS},
    )


def _column(rows: list[Row], name: str) -> Numbers:
    return np.array([np.nan if row[name] is None else row[name] for row in rows], np.float64)


def _known(values: Numbers, groups: list[str]) -> tuple[Numbers, list[str]]:
    places = np.flatnonzero(np.isfinite(values))
    return values[places], [groups[place] for place in places.tolist()]


def _median(values: Numbers, groups: list[str], seed: int) -> Estimate | None:
    known, theirs = _known(values, groups)
    if not known.size:
        return None
    order = np.argsort(known, kind="stable")
    interval = bootstrap_interval(lambda weights: weighted_median(known, order, weights), theirs, seed=seed)
    return Estimate(float(np.median(known)), interval, known.size)


def _share(values: Numbers, groups: list[str], seed: int) -> Estimate | None:
    known, theirs = _known(values, groups)
    if not known.size:
        return None

    def mean(weights: Weights) -> float | None:
        total = int(weights.sum())
        return float(weights @ known) / total if total else None

    return Estimate(float(known.mean()), bootstrap_interval(mean, theirs, seed=seed), known.size)
