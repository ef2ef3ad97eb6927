"""How long a command takes before it does anything: fresh processes, beside a bare interpreter and `import numpy`.

    python -m benchmarks.startup --out benchmarks/results/startup.json
    python -m benchmarks.startup --docs docs/speed.md          # runs nothing: writes the table

Every turn starts each of them once; medians of wall and processor time, and of the wall time over that of the bare
interpreter in the same turn.
"""

import argparse
import json
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from benchmarks.page_table import write_table
from benchmarks.results_file import write_results
from misure_onnx.machine import describe_machine

MARKERS = ("<!-- table: benchmarks.startup -->", "<!-- end of the table of benchmarks.startup -->")
BARE = "python -c pass"
_MISURE = "import sys; from misure_onnx.cli import main; sys.exit(main({}))"
STARTED: dict[str, str] = {
    BARE: "pass",
    "import numpy": "import numpy",
    "import onnxruntime": "import onnxruntime",
    "import misure_onnx": "import misure_onnx",
    "misure --help": _MISURE.format(["--help"]),
    "misure explain --help": _MISURE.format(["explain", "--help"]),
    "misure methods": _MISURE.format(["methods"]),
    "misure_onnx.load_segmenter": "import misure_onnx; misure_onnx.load_segmenter",
}
"""What is shown, and the program that does it."""


def main() -> None:
    """Measures, or writes the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=Path("benchmarks/results/startup.json"))
    parser.add_argument("--turns", type=int, default=9)
    parser.add_argument("--docs", type=Path, help="run nothing: write the table of --out into this page")
    arguments = parser.parse_args()
    if arguments.docs:
        rows = json.loads(arguments.out.read_text(encoding="utf-8"))["rows"]
        write_table(arguments.docs, table(rows), MARKERS)
        return
    rows = measured(arguments.turns)
    document = {"machine": describe_machine(), "turns": arguments.turns, "rows": rows}
    write_results(arguments.out, document)
    print(table(rows))


def measured(turns: int) -> dict[str, dict[str, float]]:
    """Medians; a first turn, which fills the caches of files, does not count."""
    taken: dict[str, list[tuple[float, float]]] = {name: [] for name in STARTED}
    for turn in range(turns + 1):
        for name, program in STARTED.items():
            cost = _started(program)
            if turn:
                taken[name].append(cost)
    bare = [wall for wall, _ in taken[BARE]]
    return {
        name: {
            "seconds": statistics.median(wall for wall, _ in costs),
            "processor_seconds": statistics.median(processor for _, processor in costs),
            "over_bare": statistics.median(wall / own for (wall, _), own in zip(costs, bare, strict=True)),
        }
        for name, costs in taken.items()
    }


def _started(program: str) -> tuple[float, float]:
    """(wall, processor) seconds of a fresh interpreter.

    Raises:
        subprocess.CalledProcessError: it failed.
    """
    before, start = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    subprocess.run([sys.executable, "-c", program], check=True, stdout=subprocess.DEVNULL)  # noqa: S603 - programs of ours
    wall, after = time.perf_counter() - start, resource.getrusage(resource.RUSAGE_CHILDREN)
    return wall, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def table(rows: Mapping[str, Mapping[str, Any]]) -> str:
    """A line a command, in Markdown."""
    lines = ["| | wall, ms | processor, ms | over `python -c pass` |", "|---|---|---|---|"]
    for name, row in rows.items():
        cells = [f"{1000 * row[key]:.0f}" for key in ("seconds", "processor_seconds")]
        lines.append(f"| `{name}` | {cells[0]} | {cells[1]} | {row['over_bare']:.1f} |")
    return "\n".join(lines)


if __name__ == "__main__":
    main()
