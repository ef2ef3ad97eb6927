"""Best, worst and odd cases of each class and method, as pictures of bounded size."""

import base64
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from misure_onnx.audit.columns import Row, label_of
from misure_onnx.audit.datasets import Dataset
from misure_onnx.audit.rle import decode
from misure_onnx.errors import InputError
from misure_onnx.files import encode_jpeg
from misure_onnx.insights.outliers import outliers
from misure_onnx.insights.report import audited_data, audited_picture
from misure_onnx.insights.rows import NUMBERS, ClassRows
from misure_onnx.rendering.overlay import RgbImage, dim_outside, outline
from misure_onnx.report.results import explained
from misure_onnx.types import Region

COLUMNS = (
    "image", "group", "class_index", "class_name", "object", "method", "error", "size", "passed", "dice_truth",
    "prediction_rle", "sufficient_region_rle", "minimal_region_rle", *NUMBERS,
)  # fmt: skip
_EACH, _MOST, _SIDE, _QUALITY, _GAP = 2, 36, 320, 80, 8


@dataclass(frozen=True)
class Case:
    """One explanation to look at.

    Attributes:
        kind: best, worst, odd or only.
        why: in words.
        label, method, image, object: which.
        dice_explained, perturbation_ratio: of it.
        picture: a JPEG as data URI: the image and, beside it, the region alone; None where it could not be drawn.
        note: why there is no picture.
    """

    kind: str
    why: str
    label: str
    method: str
    image: str
    object: int
    dice_explained: float
    perturbation_ratio: float | None
    picture: str | None
    note: str | None


def gallery(audit: Path, rows: Iterable[Row]) -> list[Case]:
    """At most 36 cases: the two best and worst of each class and method, and two odd ones.

    Best is the smallest region that is enough; of methods that do not aim at a Dice, the highest Dice explained.

    Args:
        audit: the audit's folder.
        rows: with `COLUMNS`.
    """
    chosen = [case for (label, _), some in explained(rows).items() for case in _chosen(label, some)][:_MOST]
    data = audited_data(audit)
    return [_case(kind, why, row, data) for kind, why, row in chosen]


def _chosen(name: str, rows: list[Row]) -> list[tuple[str, str, Row]]:
    if len(rows) == 1:
        return [("only", "the only explanation of its kind", rows[0])]
    aiming = all(row["passed"] is not None for row in rows)
    ordered = sorted(rows, key=_smallest_enough if aiming else _highest_dice)
    highest, lowest = (
        ("smallest region that is enough", "largest region, or not enough")
        if aiming
        else ("highest Dice explained", "lowest Dice explained")
    )
    few = min(_EACH, len(ordered) // 2)
    worst, best = ordered[::-1][:few], ordered[:few]
    odd = outliers(ClassRows(name, rows[0]["class_index"], tuple(rows)), _EACH)
    return [
        *(("best", highest, row) for row in best),
        *(("worst", lowest, row) for row in worst),
        *(
            ("odd", f"{one.column} = {one.value:.3g}, {one.deviations:.1f} robust deviations away", rows[one.place])
            for one in odd
        ),
    ]


def _smallest_enough(row: Row) -> tuple[Any, ...]:
    """For methods that aim at a Dice, which all reach just above it: what tells them apart is the area."""
    return (not row["passed"], row["perturbation_ratio"], row["image"], row["object"])


def _highest_dice(row: Row) -> tuple[Any, ...]:
    return (-row["dice_explained"], row["image"], row["object"])


def _case(kind: str, why: str, row: Row, data: Dataset | None) -> Case:
    drawn: str | None = None
    try:
        drawn, note = _picture(row, data), None
    except InputError as error:
        note = f"no picture: {error}"
    return Case(
        kind, why, label_of(row), row["method"], row["image"], row["object"], row["dice_explained"],
        row["perturbation_ratio"], drawn, note,
    )  # fmt: skip


def _picture(row: Row, data: Dataset | None) -> str:
    size, counts = tuple(row["size"]), row["minimal_region_rle"] or row["sufficient_region_rle"]
    if counts is None:
        raise InputError("only regions of images are drawn")
    image = audited_picture(row, data)
    return jpeg_uri(_pair(image, decode(row["prediction_rle"], size), decode(counts, size)))


def _pair(image: RgbImage, prediction: Region, region: Region) -> RgbImage:
    shown = dim_outside(image, region)
    both = [_small(outline(image, prediction, tint=0)), _small(outline(shown, prediction, tint=0))]
    gap = np.full((both[0].shape[0], _GAP, 3), 255, np.uint8)
    return np.concatenate([both[0], gap, both[1]], axis=1)


def _small(picture: RgbImage) -> RgbImage:
    scale = _SIDE / max(picture.shape[:2])
    size = tuple(max(1, round(side * scale)) for side in picture.shape[1::-1])
    how = cv2.INTER_AREA if scale < 1 else cv2.INTER_NEAREST
    return np.asarray(cv2.resize(picture, size, interpolation=how), np.uint8)


def jpeg_uri(picture: RgbImage) -> str:
    """A picture (H, W, 3) RGB as data URI."""
    return "data:image/jpeg;base64," + base64.b64encode(encode_jpeg(picture, _QUALITY)).decode("ascii")
