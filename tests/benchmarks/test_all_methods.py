"""The comparison of all methods: its summary, and the table in the docs."""

import json
from pathlib import Path
from typing import Any

from benchmarks.methods import summary
from misure_onnx.methods import METHODS

ROOT = Path(__file__).resolve().parents[2]
DOCUMENT: dict[str, Any] = json.loads((ROOT / "benchmarks" / "results" / "methods.json").read_text(encoding="utf-8"))


def test_the_committed_summary_is_that_of_the_committed_rows() -> None:
    assert summary(DOCUMENT["rows"]) == DOCUMENT["summary"]
    assert summary(DOCUMENT["rows"], slow=True) == DOCUMENT["summary_of_slow_triples"]


def test_every_method_has_been_run_on_every_triple_that_was_begun() -> None:
    names = {key.split()[0] for key in DOCUMENT["rows"]}
    assert {f"{name} {method}" for name in names for method in METHODS} == set(DOCUMENT["rows"])


def test_the_table_in_the_docs_has_every_method_with_its_numbers() -> None:
    page = (ROOT / "docs" / "methods.md").read_text(encoding="utf-8")
    both = [*DOCUMENT["summary"].items(), *DOCUMENT["summary_of_slow_triples"].items()]
    for method, numbers in both:
        assert f"| `{method}` | {numbers['triples']} | {numbers['dice']:.2f} | {numbers['ratio']:.2f} |" in page, (
            "run: python -m benchmarks.methods --docs docs/methods.md"
        )
