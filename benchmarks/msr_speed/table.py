"""The results as a table in Markdown."""

from collections.abc import Mapping
from typing import Any

MARKERS = ("<!-- table: benchmarks.msr_speed -->", "<!-- end of the table of benchmarks.msr_speed -->")
MOST_PASSES, LEAST_SPEEDUP = 60, 3

_COLUMNS = (
    "", "model", "torch network", "passes, first", "passes, next", "transcription, passes", "transcription / first",
    "Dice", "area / object", "transcription's Dice", "its area / object",
)  # fmt: skip


def table(rows: Mapping[str, Any]) -> str:
    """A line a case; passes are those of the torch network named, a bold number misses its aim."""
    lines = [f"| {' | '.join(_COLUMNS)} |", "|---" * len(_COLUMNS) + "|"]
    return "\n".join([*lines, *(f"| {' | '.join(_cells(name, row))} |" for name, row in rows.items())])


def _cells(name: str, row: Mapping[str, Any]) -> list[str]:
    unit = f"pass_{row['network_of_transcription']}"
    first, following, plain = (
        row["passes"][f"{timed} in {unit}"] for timed in ("library_first", "library_next", "transcription")
    )
    speedup, library, other = row["transcription_over_library"]["library_first"], row["library"], row["transcription"]
    return [
        f"{name}: {row['target']}",
        f"`{row['model']}`",
        row["network_of_transcription"],
        _marked(f"{first:.0f}", missed=first > MOST_PASSES),
        _marked(f"{following:.0f}", missed=following > MOST_PASSES),
        f"{plain:.0f}",
        _marked(f"{speedup:.1f}", missed=speedup < LEAST_SPEEDUP),
        _marked(f"{library['dice']:.3f}", missed=library["dice"] < 0.9),
        _marked(f"{library['ratio']:.2f}", missed=library["ratio"] >= other["ratio"]),
        f"{other['dice']:.3f}",
        f"{other['ratio']:.2f}",
    ]


def _marked(text: str, *, missed: bool) -> str:
    return f"**{text}**" if missed else text
