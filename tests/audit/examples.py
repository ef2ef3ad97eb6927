"""A data set and a model that are audited in a second."""

from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from misure_onnx.api import make_method
from misure_onnx.audit.columns import Row
from misure_onnx.audit.datasets import load_dataset
from misure_onnx.audit.run import AuditResult, Engine, run_audit
from misure_onnx.audit.settings import AuditSettings
from misure_onnx.audit.table import read_rows
from tests.tiny_models import SIZE, bright_pixels

RAW = {"scale": 1 / 255, "color": "GRAY", "class_names": ["background", "bright"]}


def squares(*corners: tuple[int, int, int]) -> npt.NDArray[np.uint8]:
    """White squares (row, column, side) on black."""
    picture = np.zeros(SIZE, np.uint8)
    for row, column, side in corners:
        picture[row : row + side, column : column + side] = 255
    return picture


def write(place: Path, picture: npt.NDArray[np.uint8]) -> Path:
    place.parent.mkdir(parents=True, exist_ok=True)
    cv2.imwrite(str(place), picture)
    return place


def two_pictures(folder: Path) -> Path:
    """a.png has one square of 6x6, b.png one of 4x4 and one of 8x8."""
    write(folder / "a.png", squares((3, 4, 6)))
    write(folder / "b.png", squares((1, 1, 4), (8, 10, 8)))
    return folder


def settings(folder: Path, *methods: str, **changes: Any) -> AuditSettings:
    """About `bright_pixels`."""
    model = folder / "bright_pixels.onnx"
    if not model.exists():
        bright_pixels(model)
    chosen = tuple(make_method(name) for name in methods or ("predicted_mask", "sufficient_region"))
    return AuditSettings(**{"model": str(model), "methods": chosen, "preprocess": RAW, **changes})


def audit(data: Path, asked: AuditSettings, out: Path) -> AuditResult:
    """In this process."""
    return run_audit(load_dataset(data), asked, out, engine=Engine("inline"))


def rows_of(out: Path) -> list[Row]:
    return list(read_rows(out))


def same_content(one: Path, other: Path) -> bool:
    """Whether two audits' tables are equal in everything but their times."""
    first, second = ([{**row, "seconds": None} for row in rows_of(out)] for out in (one, other))
    return first == second
