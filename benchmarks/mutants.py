"""Small mistakes put into the core, one at a time: do the core's own tests notice?

    mutmut run --max-children 1 "misure_onnx.overlap.*"   # makes all mutants; pyproject.toml says of what
    python -m benchmarks.try_mutants                      # an hour or so
    python -m benchmarks.mutants                          # counts, and the survivors
    python -m benchmarks.mutants --docs docs/robustness.md

mutmut (https://mutmut.readthedocs.io) changes every operator, number, text, argument and default. Each survivor was
read and judged by hand; `mutants_judged.json` has the judgements by function and change, since mutmut's numbers shift.
One without a judgement is `open`: a test may be missing.
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
JUDGED = RESULT.with_name("mutants_judged.json")
MARKERS = ("<!-- table: benchmarks.mutants -->", "<!-- end of mutants -->")
SURVIVED, NO_TEST = (0,), (33,)
KINDS: Mapping[str, str] = {
    "same": "no input that can come gives another result: a type that the value has already, a bit that is 0 or 16",
    "unreached": "a guard or a fallback that the code around it makes unreachable",
    "cost": "the same result for more or less work",
    "rounding": "the last digits of float32 differ, less than any promise or test tolerance",
    "as good": "another result that keeps what is promised: other random draws, one bisection more",
}
"""What a survivor was judged to be."""


def main() -> None:
    """Counts, or writes the page."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=RESULT)
    parser.add_argument("--docs", type=Path, help="count nothing: write the table into this page")
    arguments = parser.parse_args()
    if arguments.docs:
        write_table(arguments.docs, table(json.loads(arguments.out.read_text(encoding="utf-8"))), MARKERS)
        return
    judged = json.loads(JUDGED.read_text(encoding="utf-8"))
    document = {"machine": describe_machine(), **counted(dict(results(Path("mutants"))), judged)}
    write_results(arguments.out, document)
    print(table(document))


def results(place: Path) -> Iterator[tuple[str, int]]:
    """Every mutant that was tried, and how its tests ended."""
    for file in sorted(place.rglob("*.meta")):
        for name, code in json.loads(file.read_text(encoding="utf-8"))["exit_code_by_key"].items():
            if code is not None:
                yield name, code


def counted(codes: Mapping[str, int], judged: Mapping[str, list[dict[str, Any]]]) -> dict[str, Any]:
    """By module: noticed, survived, without a test; and the survivors with what they were judged to be."""
    modules: dict[str, Counter[str]] = defaultdict(Counter)
    survivors = {}
    for name, code in codes.items():
        short = name.removeprefix("misure_onnx.")
        outcome = "survived" if code in SURVIVED else "no_test" if code in NO_TEST else "noticed"
        modules[short.rpartition(".")[0]][outcome] += 1
        if code in SURVIVED:
            survivors[short] = judgement(short, diff(name), judged)
    return {"modules": {name: dict(found) for name, found in sorted(modules.items())}, "survivors": survivors}


def judgement(mutant: str, change: list[str], judged: Mapping[str, list[dict[str, Any]]]) -> dict[str, Any]:
    """The change, one of `KINDS` and why; or open."""
    function = mutant.rpartition("__mutmut_")[0]
    found = [one for one in judged.get(function, []) if one["change"] == change]
    return {"change": change, **({"kind": found[0]["kind"], "why": found[0]["why"]} if found else {"kind": "open"})}


def diff(name: str) -> list[str]:
    """The lines that a mutation removed and added."""
    from mutmut.mutation.diff_apply import get_diff_for_mutant  # noqa: PLC0415 - wanted only where mutants were made

    lines = get_diff_for_mutant(name).splitlines()
    return [f"{line[0]} {line[1:].strip()}" for line in lines if re.match(r"[+-](?![+-])", line)]


def table(document: Mapping[str, Any]) -> str:
    """A line a module, in Markdown."""
    by_module: dict[str, Counter[str]] = defaultdict(Counter)
    for name, survivor in document["survivors"].items():
        by_module[name.rpartition(".")[0]][survivor["kind"]] += 1
    kinds = [*KINDS, "open"]
    lines = [f"| module | tried | noticed | {' | '.join(kinds)} |", "|---" * (3 + len(kinds)) + "|"]
    total: Counter[str] = Counter()
    for module, found in document["modules"].items():
        tried = found.get("noticed", 0) + found.get("survived", 0)
        if tried:
            total.update({"tried": tried, "noticed": found.get("noticed", 0)}, **by_module[module])
            lines.append(_line(f"`{module}`", tried, found.get("noticed", 0), [by_module[module][k] for k in kinds]))
    lines.append(_line("all", total["tried"], total["noticed"], [total[k] for k in kinds]))
    return "\n".join(lines)


def _line(name: str, tried: int, noticed: int, survivors: list[int]) -> str:
    return f"| {name} | {tried} | {noticed} | {' | '.join(str(n or '') for n in survivors)} |"


if __name__ == "__main__":
    main()
