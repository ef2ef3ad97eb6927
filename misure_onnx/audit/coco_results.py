"""COCO's results format: the predictions, and each method's regions, as masks with scores."""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from misure_onnx.audit.columns import Row
from misure_onnx.audit.shards import json_of
from misure_onnx.audit.table import read_rows
from misure_onnx.files import write_whole

_NEEDED = (
    "image", "image_number", "class_index", "object", "method", "dice_explained", "mean_max_probability", "size",
    "prediction_rle", "minimal_region_rle",
)  # fmt: skip


def export_coco(out: Path) -> list[Path]:
    """Writes coco_predictions.json and a coco_regions_METHOD.json a method, and gives their places.

    A prediction's score is the model's mean probability (1 for label maps), a region's is its Dice explained.
    `image_id` is the data set's own number, else the place of the image in the table from 1 on; `category_id` is the
    class index. Volumes have no such format and are left out.

    Raises:
        InputError: the folder holds no audit.
        OutputError: a file cannot be written.
    """
    rows = list(_drawn(read_rows(out, _NEEDED)))
    methods = dict.fromkeys(row["method"] for row in rows)
    first = next(iter(methods), None)
    contents = {"coco_predictions.json": [_prediction(row) for row in rows if row["method"] == first]}
    contents |= {f"coco_regions_{m}.json": [_region(row) for row in rows if row["method"] == m] for m in methods}
    for name, entries in contents.items():
        write_whole(out / name, json_of(entries))
    return [out / name for name in contents]


def _drawn(rows: Iterable[Row]) -> Iterator[Row]:
    """Rows with masks of images, their images numbered."""
    numbers: dict[str, int] = {}
    for row in rows:
        number = numbers.setdefault(row["image"], len(numbers) + 1)
        if row["prediction_rle"] is not None and len(row["size"]) == 2:
            yield {**row, "image_number": number if row["image_number"] is None else row["image_number"]}


def _prediction(row: Row) -> dict[str, Any]:
    sure = row["mean_max_probability"]
    return _entry(row, "prediction_rle", 1.0 if sure is None else sure)


def _region(row: Row) -> dict[str, Any]:
    return _entry(row, "minimal_region_rle", row["dice_explained"])


def _entry(row: Row, mask: str, score: float) -> dict[str, Any]:
    return {
        "image_id": row["image_number"],
        "category_id": row["class_index"],
        "segmentation": {"size": row["size"], "counts": row[mask]},
        "score": score,
    }
