"""A table of images: CSV or Parquet with a column `image`, and where they are known `truth`, `group`, `class`.

Paths are relative to the table (or to the images' folder). The channels of a volume are named with commas between.
"""

import csv
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from misure_onnx.audit.sample import Sample, TruthFile
from misure_onnx.errors import InputError
from misure_onnx.volumes import is_volume

COLUMNS = ("image", "truth", "group", "class")


def matches(path: Path) -> bool:
    """A file of such a name."""
    return path.is_file() and path.suffix.lower() in (".csv", ".parquet")


def read(path: Path, images_folder: Path | None) -> list[Sample]:
    """A sample a row, in the order of the table; columns of other names are left alone.

    Raises:
        InputError: it cannot be read, or has no column `image`.
    """
    folder = images_folder or path.parent
    rows = list(_rows_of_parquet(path) if path.suffix.lower() == ".parquet" else _rows_of_csv(path))
    if rows and "image" not in rows[0]:
        raise InputError(
            f"{path}: expected a column 'image' (and, where known, {', '.join(COLUMNS[1:])}); got {', '.join(rows[0])}"
        )
    return [_sample(row, folder, path, number) for number, row in enumerate(rows, start=1)]


def _rows_of_csv(path: Path) -> Iterable[Mapping[str, Any]]:
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            yield from csv.DictReader(file)
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise InputError(f"{path} cannot be read as CSV in UTF-8: {error}") from error


def _rows_of_parquet(path: Path) -> Iterable[Mapping[str, Any]]:
    from misure_onnx.audit.arrow import parquet  # noqa: PLC0415 - an extra

    try:
        with parquet().ParquetFile(path) as file:
            wanted = [name for name in file.schema_arrow.names if name in COLUMNS]
            for batch in file.iter_batches(columns=wanted or None):
                yield from batch.to_pylist()
    except (OSError, ValueError) as error:
        raise InputError(f"{path} cannot be read as Parquet: {error}") from error


def _sample(row: Mapping[str, Any], folder: Path, table: Path, number: int) -> Sample:
    name = str(row["image"] or "").strip()
    if not name:
        raise InputError(f"{table}: row {number} names no image")
    parts = [part.strip() for part in name.split(",")]
    files = parts if len(parts) > 1 and all(is_volume(part) for part in parts) else [name]
    truth, group, class_spec = (_text(row.get(column)) for column in COLUMNS[1:])
    return Sample(
        name, tuple(folder / file for file in files), TruthFile(folder / truth) if truth else None, group, class_spec
    )


def _text(value: Any) -> str | None:
    return None if value is None or str(value).strip() == "" else str(value).strip()
