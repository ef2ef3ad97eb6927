"""The table of an audit, written from its shards a few at a time, and read again."""

import os
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from misure_onnx.audit.arrow import arrow, parquet
from misure_onnx.audit.columns import COLUMNS, SCHEMA, Kind, Row
from misure_onnx.errors import InputError, OutputError

TABLE = "audit.parquet"
_ROWS_AT_ONCE = 2048


def arrow_schema() -> Any:
    """The `pyarrow.Schema` of the table.

    Raises:
        OutputError: pyarrow is not installed.
    """
    pa = arrow()
    types: dict[Kind, Any] = {
        "text": pa.string(),
        "whole": pa.int64(),
        "number": pa.float64(),
        "yes_no": pa.bool_(),
        "texts": pa.list_(pa.string()),
        "wholes": pa.list_(pa.int64()),
        "numbers": pa.list_(pa.float64()),
        "numbers_by_name": pa.map_(pa.string(), pa.float64()),
    }
    fields = [pa.field(name, types[column.kind]) for name, column in COLUMNS.items()]
    return pa.schema(fields, metadata={"schema": SCHEMA})


def write_table(rows: Iterable[Row], place: Path) -> int:
    """Writes a table, whole or not at all, and says how many rows it has.

    Raises:
        OutputError: it cannot be written, or pyarrow is not installed.
    """
    schema, staging = arrow_schema(), place.with_name(f".{place.name}.{os.getpid()}")
    count, waiting = 0, list[Row]()
    try:
        with parquet().ParquetWriter(staging, schema, compression="zstd") as file:
            for row in rows:
                waiting.append(_as_stored(row))
                count += 1
                if len(waiting) == _ROWS_AT_ONCE:
                    file.write_table(arrow().Table.from_pylist(waiting, schema=schema))
                    waiting.clear()
            if waiting or not count:
                file.write_table(arrow().Table.from_pylist(waiting, schema=schema))
        staging.replace(place)
    except OSError as error:
        raise OutputError(f"{str(place)!r} could not be written: {error.strerror or error}") from error
    finally:
        staging.unlink(missing_ok=True)
    return count


def _as_stored(row: Row) -> Row:
    """pyarrow takes a map as pairs."""
    metrics = row.get("metrics")
    return {**row, "metrics": sorted(metrics.items())} if metrics is not None else row


def read_rows(place: str | Path, columns: Sequence[str] | None = None) -> Iterator[Row]:
    """The rows of a table, one after the other.

    Args:
        place: the table, or the folder of an audit.
        columns: only these; None: all.

    Raises:
        InputError: there is none, or of another schema.
        OutputError: pyarrow is not installed.
    """
    file_module, table = parquet(), table_in(Path(place))
    try:
        with file_module.ParquetFile(table) as file:
            found = (file.schema_arrow.metadata or {}).get(b"schema", b"").decode()
            if found != SCHEMA:
                raise InputError(f"{str(table)!r} has schema {found!r}, expected {SCHEMA!r}: a table of misure audit")
            for batch in file.iter_batches(columns=list(columns) if columns else None):
                for row in batch.to_pylist():
                    yield _as_read(row)
    except (OSError, ValueError) as error:
        raise InputError(f"{str(table)!r} cannot be read as an audit's table: {error}") from error


def _as_read(row: Row) -> Row:
    return {**row, "metrics": dict(row["metrics"])} if row.get("metrics") is not None else row


def table_in(place: Path) -> Path:
    """The table itself, or that of an audit's folder.

    Raises:
        InputError: there is none.
    """
    table = place / TABLE if place.is_dir() else place
    if not table.is_file():
        raise InputError(f"{str(place)!r} is no audit: expected a folder that misure audit wrote, or its {TABLE}")
    return table
