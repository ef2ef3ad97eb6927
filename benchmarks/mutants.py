"""Small mistakes put into the core, one at a time: do the core's own tests notice?

    mutmut run                               # an hour or so; what is mutated and tested stands in pyproject.toml
    python -m benchmarks.mutants             # counts, and the survivors sorted
    python -m benchmarks.mutants --docs docs/robustness.md

mutmut (https://mutmut.readthedocs.io) changes every operator, number, text, argument and default. A survivor is
sorted by what the mutation changed (`KINDS`); one that no rule knows is `open`: a test may be missing.
"""

import argparse
import json
import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from benchmarks.page_table import write_table
from benchmarks.results_file import write_results
from misure_onnx.machine import describe_machine

RESULT = Path(__file__).with_name("results") / "mutants.json"
MARKERS = ("<!-- table: benchmarks.mutants -->", "<!-- end of mutants -->")
SURVIVED, NO_TEST = (0,), (33,)
KINDS: Mapping[str, str] = {
    "type": r"float32|float64|int64|bool\)|, bool|dtype|astype|np\.asarray",
    "progress": r"progress\(|progress,",
    "word": r"XX|[\"'][A-Z_ ]+[\"']|details|\"reason\"|order=|decode\(|trace|notes?\b|note\b",
    "speed": r"many=|until|steps?=|range\(|budget|_HALVINGS|batch",
    "default": r"^\w+: .* = ",
}
"""The first whose pattern the removed or the added line holds.

type: a conversion of what has the type already, or a wider type of the same numbers. progress: what a progress bar is
told. word: a key or sentence for people, which the selected tests do not spell out. speed: a hint, or how far a search
goes before it stops. default: of a parameter that the tests always give.
"""


def main() -> None:
    """Counts, or writes the page."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=RESULT)
    parser.add_argument("--docs", type=Path, help="count nothing: write the table into this page")
    arguments = parser.parse_args()
    if arguments.docs:
        write_table(arguments.docs, table(json.loads(arguments.out.read_text(encoding="utf-8"))), MARKERS)
        return
    document = {"machine": describe_machine(), **counted(dict(results(Path("mutants"))))}
    write_results(arguments.out, document)
    print(table(document))


def results(place: Path) -> Iterator[tuple[str, int]]:
    """Every mutant that was tried, and how its tests ended."""
    for file in sorted(place.rglob("*.meta")):
        for name, code in json.loads(file.read_text(encoding="utf-8"))["exit_code_by_key"].items():
            if code is not None:
                yield name, code


def counted(codes: Mapping[str, int]) -> dict[str, Any]:
    """By module: killed, survived, without a test; and the survivors."""
    modules: dict[str, Counter[str]] = defaultdict(Counter)
    survivors = {}
    for name, code in codes.items():
        module = name.rpartition(".")[0].removeprefix("misure_onnx.")
        outcome = "survived" if code in SURVIVED else "no_test" if code in NO_TEST else "killed"
        modules[module][outcome] += 1
        if code in SURVIVED:
            change = diff(name)
            survivors[name.removeprefix("misure_onnx.")] = {"change": change, "kind": kind_of(change)}
    return {"modules": {name: dict(found) for name, found in sorted(modules.items())}, "survivors": survivors}


def diff(name: str) -> list[str]:
    """The lines that a mutation removed and added."""
    from mutmut.mutation.diff_apply import get_diff_for_mutant  # noqa: PLC0415 - wanted only where mutants were made

    lines = get_diff_for_mutant(name).splitlines()
    return [f"{line[0]} {line[1:].strip()}" for line in lines if re.match(r"[+-](?![+-])", line)]


def kind_of(change: list[str]) -> str:
    """One of `KINDS`, or open."""
    text = "\n".join(line[2:] for line in change)
    return next((name for name, pattern in KINDS.items() if re.search(pattern, text, re.MULTILINE)), "open")


def table(document: Mapping[str, Any]) -> str:
    """A line a module, in Markdown."""
    by_module: dict[str, Counter[str]] = defaultdict(Counter)
    for name, survivor in document["survivors"].items():
        by_module[name.rpartition(".")[0]][survivor["kind"]] += 1
    kinds = [*KINDS, "open"]
    lines = [f"| module | mutants | noticed | {' | '.join(kinds)} |", "|---" * (3 + len(kinds)) + "|"]
    total: Counter[str] = Counter()
    for module, found in document["modules"].items():
        tested = found.get("killed", 0) + found.get("survived", 0)
        if tested:
            total.update({"tested": tested, "killed": found.get("killed", 0)}, **by_module[module])
            lines.append(_line(f"`{module}`", tested, found.get("killed", 0), [by_module[module][k] for k in kinds]))
    lines.append(_line("all", total["tested"], total["killed"], [total[k] for k in kinds]))
    return "\n".join(lines)


def _line(name: str, tested: int, killed: int, survivors: list[int]) -> str:
    return f"| {name} | {tested} | {killed / tested:.0%} | {' | '.join(str(n or '') for n in survivors)} |"


if __name__ == "__main__":
    main()
