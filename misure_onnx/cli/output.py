"""Writing to the terminal: results to stdout, everything else to stderr."""

import json
import sys
from collections.abc import Iterable, Sequence
from types import TracebackType
from typing import Any, Self


def write_line(text: str = "") -> None:
    """A line on stdout."""
    sys.stdout.write(text + "\n")


def write_json(document: Any) -> None:
    """One JSON document on stdout, whole or not at all; in ASCII, which every terminal and pipe can carry."""
    sys.stdout.write(json.dumps(document, indent=2, allow_nan=False) + "\n")


def write_notes(notes: Iterable[str]) -> None:
    """A line a note on stderr."""
    for note in notes:
        sys.stderr.write(f"misure: note: {note}\n")


def table(rows: Sequence[Sequence[str]]) -> str:
    """Columns padded to their widest cell; the first one left-aligned, the others right-aligned."""
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    lines = []
    for row in rows:
        cells = [row[0].ljust(widths[0])]
        cells += [cell.rjust(width) for cell, width in zip(row[1:], widths[1:], strict=True)]
        lines.append("  ".join(cells).rstrip())
    return "\n".join(lines)


class ProgressBars:
    """A tqdm bar a stage, on stderr, and only where stderr is a terminal."""

    def __init__(self) -> None:
        self._stage = ""
        self._bar: Any = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._bar is not None:
            self._bar.close()

    def __call__(self, stage: str, done: int, total: int) -> None:
        """Shows `done` of `total`."""
        from tqdm import tqdm  # noqa: PLC0415 - the command line must start fast

        if stage != self._stage:
            if self._bar is not None:
                self._bar.close()
            self._stage, self._bar = stage, tqdm(total=total, desc=stage, file=sys.stderr, disable=None, leave=False)
        self._bar.total = total
        self._bar.update(done - self._bar.n)
