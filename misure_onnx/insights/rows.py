"""The explained predictions of an audit, class by class."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from misure_onnx.audit.columns import group_of, label_of
from misure_onnx.audit.table import read_rows
from misure_onnx.errors import InputError, ParameterError

NUMBERS = (
    "area_share", "dilations", "dice_explained", "perturbation_ratio", "outside_share", "boundary_share",
    "interior_share", "outside_distance",
)  # fmt: skip
_OTHERS = (
    "image", "group", "class_index", "class_name", "object", "method", "error", "size", "centroid", "prediction_rle",
    "minimal_region_rle",
)  # fmt: skip


@dataclass(frozen=True, eq=False)
class ClassRows:
    """One class.

    Attributes:
        label: its name, or "class 3".
        index: its index.
        rows: (n) of the table.
    """

    label: str
    index: int
    rows: tuple[dict[str, Any], ...]

    @property
    def groups(self) -> tuple[str, ...]:
        """(n) what must not be split: the table's group, else the image."""
        return tuple(group_of(row) for row in self.rows)

    def numbers(self, name: str) -> npt.NDArray[np.float64]:
        """(n,) a column; NaN where it is empty."""
        return np.array([np.nan if row[name] is None else row[name] for row in self.rows], np.float64)


def by_class(audit: Path, method: str | None = None) -> list[ClassRows]:
    """The explained predictions, the most frequent class first.

    Raises:
        ParameterError: several methods and none chosen.
        InputError: no audit, or no explanation (of the method).
    """
    explained = [row for row in _rows(audit) if row["error"] is None]
    methods = list(dict.fromkeys(row["method"] for row in explained))
    if method is None and len(methods) > 1:
        raise ParameterError(f"the audit holds explanations of {', '.join(methods)}: choose one (--method)")
    chosen: dict[int, list[dict[str, Any]]] = {}
    for row in explained:
        if method in (None, row["method"]):
            chosen.setdefault(row["class_index"], []).append(row)
    if not chosen:
        raise InputError(f"{str(audit)!r} has no explanation{f' of {method}' if method else ''}: {', '.join(methods)}")
    found = [ClassRows(label_of(rows[0]), index, tuple(rows)) for index, rows in chosen.items()]
    return sorted(found, key=lambda one: (-len(one.rows), one.index))


def _rows(audit: Path) -> Iterator[dict[str, Any]]:
    return read_rows(audit, (*_OTHERS, *NUMBERS))
