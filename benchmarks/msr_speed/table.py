"""The results as a table in Markdown."""

from collections.abc import Mapping
from typing import Any

MARKERS = ("<!-- table: benchmarks.msr_speed -->", "<!-- end of the table of benchmarks.msr_speed -->")
MOST_PASSES, LEAST_SPEEDUP = 60, 3

_COLUMNS = (
    "", "model", "torch network", "passes, first", "passes, next", "transcription, passes", "transcription / first",
    "transcription / next", "Dice", "area / object", "unchecked: passes", "transcription / it", "area / object",
    "transcription's Dice", "its area / object", "100 masks: passes", "area / object",
)  # fmt: skip


def table(rows: Mapping[str, Any]) -> str:
    """A line a case; passes are those of the torch network named, a bold number misses its aim."""
    lines = [f"| {' | '.join(_COLUMNS)} |", "|---" * len(_COLUMNS) + "|"]
    return "\n".join([*lines, *(f"| {' | '.join(_cells(name, row))} |" for name, row in rows.items())])


def _cells(name: str, row: Mapping[str, Any]) -> list[str]:
    unit = f"pass_{row['network_of_transcription']}"
    names = ("library_first", "library_next", "transcription", "found", "longer")
    first, following, plain, unchecked, longer = (row["passes"][f"{timed} in {unit}"] for timed in names)
    library, found, other = row["library"], row["found"], row["transcription"]
    times = row["transcription_over_library"]
    return [
        f"{name}: {row['target']}",
        f"`{row['model']}`",
        row["network_of_transcription"],
        _marked(f"{first:.0f}", missed=first > MOST_PASSES),
        _marked(f"{following:.0f}", missed=following > MOST_PASSES),
        f"{plain:.0f}",
        *(
            _marked(f"{times[timed]:.1f}", missed=times[timed] < LEAST_SPEEDUP)
            for timed in ("library_first", "library_next")
        ),
        _marked(f"{library['dice']:.3f}", missed=library["dice"] < 0.9),
        _marked(f"{library['ratio']:.2f}", missed=library["ratio"] >= other["ratio"]),
        _marked(f"{unchecked:.0f}", missed=unchecked > MOST_PASSES),
        _marked(f"{times['found']:.1f}", missed=times["found"] < LEAST_SPEEDUP),
        _marked(f"{found['ratio']:.2f}", missed=found["ratio"] >= other["ratio"]),
        f"{other['dice']:.3f}",
        f"{other['ratio']:.2f}",
        f"{longer:.0f}",
        f"{row['longer']['ratio']:.2f}",
    ]


def _marked(text: str, *, missed: bool) -> str:
    return f"**{text}**" if missed else text


MODES_MARKERS = (
    "<!-- table: benchmarks.msr_speed.modes -->",
    "<!-- end of the table of benchmarks.msr_speed.modes -->",
)


def modes_table(rows: Mapping[str, Any]) -> str:
    """A line a way: seconds a mask over those of the same library's plain way, and compilation in words."""
    names = list(rows)
    lines = [f"| | {' | '.join(names)} |", "|---" * (len(names) + 1) + "|"]
    ways = dict.fromkeys(way for row in rows.values() for way in (*row["seconds"], *row["failed"]))
    lines += [f"| {way} | {' | '.join(_way(rows[name], way) for name in names)} |" for way in ways]
    return "\n".join([*lines, f"| `torch.compile` itself | {' | '.join(_compilation(rows[name]) for name in names)} |"])


def _way(row: Mapping[str, Any], way: str) -> str:
    if way not in row["seconds"]:
        return "refused by the graph" if way in row["failed"] else "-"
    own, plain = row["seconds"][way], row["seconds"][_plain(way)]
    return f"{1000 * own:.0f} ms" if own is plain else f"{1000 * own:.0f} ms, {own / plain:.2f} of one at a time"


def _plain(way: str) -> str:
    return "torch" if way.startswith("torch") else way.removesuffix(", two at the same time")


def _compilation(row: Mapping[str, Any]) -> str:
    if "error" in row["compilation"]:
        return f"fails: {row['compilation']['error'].split(':')[0]}"
    pays = row["masks_until_compilation_pays"]
    after = "never pays" if pays is None else f"pays after {pays:.0f} masks"
    return f"{row['compilation']['seconds']:.0f} s, {after}"
