"""The tables of `docs/peers.md`: one a kind and object, medians over the runs with their range."""

from collections.abc import Callable
from statistics import median
from typing import Any

from benchmarks.peers.rows import KINDS, Kind, Row

Runs = list[dict[str, Any]]

PLAIN_MASKS, MOST_NOISE = 2000, 2.0
_PLAIN = "misure rise-mean-cpu"


def tables(objects: dict[str, Any]) -> str:
    """Markdown: under a heading each kind, under it each object on which it was measured."""
    parts = []
    for kind_name, kind in KINDS.items():
        for name, measured in objects.items():
            rows = measured["rows"]
            if any(rows.get(row.name, {}).get("runs") for row in kind.rows):
                parts.append(f"**{kind.title}**, `{name}`\n\n" + _table(kind_name, kind, rows))
    return "\n\n".join(parts)


def _table(kind_name: str, kind: Kind, rows: dict[str, Any]) -> str:
    columns = _columns(kind_name, rows)
    lines = ["| explainer | " + " | ".join(columns) + " |", "|---" * (len(columns) + 1) + "|"]
    measured = [row for row in kind.rows if rows.get(row.name, {}).get("runs")]
    for row in sorted(measured, key=lambda row: of(rows[row.name]["runs"], "processor_seconds")):
        runs = rows[row.name]["runs"]
        cells = [column(row, runs) for column in columns.values()]
        lines.append(f"| {row.peer} {runs[0]['version']}, {row.label} | " + " | ".join(cells) + " |")
    failed = [(row, rows[row.name]["error"]) for row in kind.rows if "error" in rows.get(row.name, {})]
    lines += [f"| {row.peer}, {row.label} | {error} |" + " |" * (len(columns) - 1) for row, error in failed]
    return "\n".join(lines)


Column = Callable[[Row, Runs], str]


def _columns(kind_name: str, rows: dict[str, Any]) -> dict[str, Column]:
    """Title -> what stands in a cell."""
    columns: dict[str, Column] = {
        "forwards": lambda _, runs: f"{of(runs, 'forwards'):.0f}",
        "processor time (s)": lambda _, runs: _seconds([run["processor_seconds"] for run in runs]),
        "over its bare loop": lambda _, runs: with_range([over_bare(run) for run in runs], 2),
        "wall (s)": lambda _, runs: f"{of(runs, 'wall_seconds'):.1f}",
        "peak MB": lambda _, runs: f"{of(runs, 'peak_mb_above_bare'):.0f}",
    }
    if kind_name == "rise":
        columns["for the quality of 2000 masks (s)"] = lambda row, runs: f"{_in_proportion(row, runs):.1f}"
        columns["at equal noise (s)"] = lambda row, runs: _at_equal_noise(row, runs, rows)
    if kind_name in ("cam", "gradient", "extremal"):
        columns["over its bare loop"] = lambda _, runs: with_range([over_bare(run) for run in runs], 1)
    judged: dict[str, Column] = (
        {} if kind_name != "rise" else {"noise": lambda _, runs: f"{_beyond(runs)}{_noise(runs):.2f}"}
    )
    return (
        columns
        | judged
        | {
            "rank correlation": lambda _, runs: number(runs, "spearman", 3),
            "insertion": lambda _, runs: number(runs, "insertion", 3),
            "area for Dice 0.9": lambda _, runs: number(runs, "restoring_area", 2),
        }
    )


def of(runs: Runs, name: str) -> float:
    """The median."""
    return float(median(run[name] for run in runs))


def over_bare(run: dict[str, Any]) -> float:
    """Processor time over that of as many bare forwards (and backwards) in the same process."""
    return float(run["processor_seconds"] / (run["bare_processor_seconds_a_forward"] * run["forwards"]))


def at_equal_noise(seconds: float, noise: float, goal: float) -> float:
    """What a mean costs when it has as many masks as bring its noise to the goal: noise falls with their root."""
    return seconds * (noise / goal) ** 2


def with_range(values: list[float], digits: int = 1) -> str:
    """Median and range."""
    low, high = (f"{value:.{digits}f}" for value in (min(values), max(values)))
    middle = f"{median(values):.{digits}f}"
    return middle if low == high else f"{middle} ({low} - {high})"


def _seconds(values: list[float]) -> str:
    return with_range(values, 1 if median(values) >= 1 else 2)


def number(runs: Runs, name: str, digits: int) -> str:
    """A median, where there is one."""
    known = [run[name] for run in runs if run.get(name) is not None]
    return f"{median(known):.{digits}f}" if known else ""


def _in_proportion(row: Row, runs: Runs) -> float:
    """Seconds of 2000 masks; the surrogate has their quality as it is."""
    seconds = of(runs, "processor_seconds")
    return seconds if row.estimate == "surrogate" else seconds * PLAIN_MASKS / of(runs, "forwards")


def _noise(runs: Runs) -> float:
    """Of a map that hardly follows the reference it is not determined: `MOST_NOISE` or more."""
    return float(median(min(run.get("noise_over_signal") or MOST_NOISE, MOST_NOISE) for run in runs))


def _at_equal_noise(row: Row, runs: Runs, rows: dict[str, Any]) -> str:
    """Of a mean, with the goal that this library's mean of 2000 masks has."""
    plain = rows.get(_PLAIN, {}).get("runs", [])
    if row.estimate == "surrogate" or not plain:
        return ""
    goal = _noise(plain) * (of(plain, "forwards") / PLAIN_MASKS) ** 0.5
    seconds = at_equal_noise(of(runs, "processor_seconds"), _noise(runs), goal)
    return f"{_beyond(runs)}{seconds:.1f}"


def _beyond(runs: Runs) -> str:
    return "> " if _noise(runs) >= MOST_NOISE else ""
