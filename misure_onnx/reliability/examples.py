"""What is learned from: predictions with known truth, and the numbers about their explanations."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from misure_onnx.audit.columns import group_of, label_of
from misure_onnx.errors import InputError, ParameterError

_PAPER = ("dilations", "dice_explained", "perturbation_ratio")
_EXTENDED = (
    *_PAPER, "dice_explained_soft", "sufficient_ratio", "area_share", "dice_mean", "dice_blur", "dice_noise",
    "dice_shuffle", "necessity", "silhouette", "stability_shift", "outside_share", "boundary_share", "outside_distance",
)  # fmt: skip
CONFIDENCE = ("mean_max_probability", "mean_entropy")

FEATURES: dict[str, tuple[str, ...]] = {
    "paper": _PAPER,
    "extended": _EXTENDED,
    "confidence": CONFIDENCE,
    "all": (*_EXTENDED, *CONFIDENCE),
}
"""Columns of an audit's table by the name of their set: the paper's three; what else an explanation says; what the
model's own probabilities say; both together."""

_IDENTITY = ("image", "group", "class_index", "class_name", "object", "method", "error", "dice_truth")
COLUMNS = (*_IDENTITY, *FEATURES["all"])
"""What is read of a table."""


@dataclass(frozen=True, eq=False)
class Examples:
    """Explained predictions of one class.

    Attributes:
        label: the class's name, or "class 3".
        rows: (n) of the table.
        features: names of the columns.
        values: (n, k) float64; NaN where a row has no such number.
        confidence: (n, 2) mean maximal probability and mean entropy, NaN for models without probabilities.
        groups: (n) what must not be split: the table's group, else the image.
        dice: (n) Dice with the truth, NaN where that is not known.
    """

    label: str
    rows: tuple[dict[str, Any], ...]
    features: tuple[str, ...]
    values: npt.NDArray[np.float64]
    confidence: npt.NDArray[np.float64]
    groups: tuple[str, ...]
    dice: npt.NDArray[np.float64]


def examples(rows: Iterable[dict[str, Any]], features: str, method: str | None = None) -> list[Examples]:
    """The explained predictions of a table, class by class.

    Args:
        rows: of audits.
        features: in `FEATURES`.
        method: only this one's explanations; None: the table's only method.

    Raises:
        ParameterError: no such set of features, or several methods and none chosen.
        InputError: no row has an explanation (of the method).
    """
    if features not in FEATURES:
        raise ParameterError(f"features {features!r} are unknown; the known sets are {', '.join(FEATURES)}")
    explained = [row for row in rows if row["error"] is None]
    methods = list(dict.fromkeys(row["method"] for row in explained))
    if method is None and len(methods) > 1:
        raise ParameterError(f"the table holds explanations of {', '.join(methods)}: choose one (--method)")
    chosen = [row for row in explained if method in (None, row["method"])]
    if not chosen:
        raise InputError(
            f"no row has an explanation{f' of {method}' if method else ''}; the table has: {', '.join(methods)}"
        )
    labels = dict.fromkeys(label_of(row) for row in chosen)
    return [_of_class(label, [row for row in chosen if label_of(row) == label], FEATURES[features]) for label in labels]


def _of_class(label: str, rows: Sequence[dict[str, Any]], features: tuple[str, ...]) -> Examples:
    return Examples(
        label,
        tuple(rows),
        features,
        _numbers(rows, features),
        _numbers(rows, CONFIDENCE),
        tuple(group_of(row) for row in rows),
        _numbers(rows, ("dice_truth",))[:, 0],
    )


def _numbers(rows: Sequence[dict[str, Any]], names: Sequence[str]) -> npt.NDArray[np.float64]:
    return np.array([[np.nan if row[name] is None else row[name] for name in names] for row in rows], np.float64)
