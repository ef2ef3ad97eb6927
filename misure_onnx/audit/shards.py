"""The files of an unfinished audit: one shard an image and method, whole or not there.

A shard is begun as a temporary file and takes its name when it is complete; what is left of a process that was killed
is its temporary file. A shard's name is the hash of all that decides its content, so that two audits share what they
have in common, and a changed image, model or parameter is another shard.
"""

import contextlib
import json
import math
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from misure_onnx.audit.columns import Row
from misure_onnx.errors import InputError, OutputError
from misure_onnx.files import write_through

_FOLDER, _BEGUN = "shards", ".begun"


class Shards:
    """The shards below an audit's folder.

    Args:
        out: the audit's folder.
    """

    def __init__(self, out: Path) -> None:
        self.out = out
        self.folder = out / _FOLDER

    def place(self, key: str) -> Path:
        """Where a shard lies, or would."""
        return self.folder / key[:2] / f"{key}.json"

    def finished(self, key: str, *, retry_failed: bool = False) -> bool:
        """Whether it is there; with `retry_failed`, and holds no error."""
        if not self.place(key).is_file():
            return False
        return not retry_failed or all(row.get("status") != "failed" for row in self.read(key))

    @contextmanager
    def begun(self, key: str) -> Iterator[list[Row]]:
        """A list to fill; the shard is written when the block ends, and not at all if it fails.

        Raises:
            OutputError: it cannot be written.
        """
        place, rows = self.place(key), list[Row]()
        begun = place.with_name(f"{key}.{os.getpid()}{_BEGUN}")
        try:
            begun.parent.mkdir(parents=True, exist_ok=True)
            begun.touch()
            try:
                yield rows
                write_through(begun, json_of({"rows": [_plain(row) for row in rows]}))
                begun.replace(place)
            finally:
                begun.unlink(missing_ok=True)
        except OSError as error:
            raise OutputError(f"shard {str(place)!r} could not be written: {error.strerror or error}") from error

    def read(self, key: str) -> list[Row]:
        """Its rows.

        Raises:
            InputError: it is missing or damaged.
        """
        place = self.place(key)
        try:
            rows: list[Row] = json.loads(place.read_text(encoding="utf-8"))["rows"]
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise InputError(f"shard {str(place)!r} is damaged ({error}): remove it and run the audit again") from error
        return rows

    def remove_leftovers(self) -> int:
        """Removes what processes that were killed had begun, and says how many there were."""
        found = list((self.folder).glob(f"*/*{_BEGUN}"))
        unfinished = [*self.out.glob(".audit.parquet.[0-9]*"), *(self.out / "saliency").glob("??/.*.[0-9]*")]
        for file in [*found, *unfinished]:
            with contextlib.suppress(OSError):
                file.unlink()
        return len(found)


def _plain(value: Any) -> Any:
    """As JSON has it: numbers of Python; nothing in the place of NaN and infinity, for which a table has no room."""
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    number = value.item() if isinstance(value, np.generic) else value
    return None if isinstance(number, float) and not math.isfinite(number) else number


def json_of(document: Any) -> bytes:
    """Compact UTF-8 JSON."""
    return json.dumps(document, ensure_ascii=False, allow_nan=False).encode()
