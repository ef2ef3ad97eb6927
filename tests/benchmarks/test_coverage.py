"""The coverage table cannot drift from its results, and the results keep their promises."""

import json
import statistics
from pathlib import Path
from typing import Any

import pytest

from benchmarks.coverage.table import ROUTES, counts, document, time_ratios
from benchmarks.coverage.verdict import verdict

ROOT = Path(__file__).resolve().parents[2]
RESULTS = ROOT / "benchmarks" / "results" / "coverage.json"
MEASURED = 142
"""Graphs in the results so far; the exports of all networks are 132 and more."""


@pytest.fixture(scope="module")
def rows() -> dict[str, Any]:
    found: dict[str, Any] = json.loads(RESULTS.read_text(encoding="utf-8"))["rows"]
    return {name: row for name, row in found.items() if "export_error" not in row}


def compared(rows: dict[str, Any]) -> list[dict[str, Any]]:
    return [row for name, row in rows.items() if not name.startswith("data/")]


def test_the_document_is_written_from_the_results() -> None:
    assert (ROOT / "docs" / "coverage.md").read_text(encoding="utf-8") == document(RESULTS), (
        "run: python -m benchmarks.coverage --table docs/coverage.md"
    )


def test_nothing_converts_but_is_wrong(rows: dict[str, Any]) -> None:
    wrong = [(name, route) for name, row in rows.items() for route in ROUTES if verdict(row, route) == "wrong"]
    assert wrong == []


def test_the_bridge_serves_every_graph_and_the_gradient_graph_all_but_two(rows: dict[str, Any]) -> None:
    exported = compared(rows)
    assert len(exported) >= MEASURED
    assert counts(exported, "torch")["right"] == len(exported)
    assert counts(exported, "onnx_gradient")["right"] >= len(exported) - 2


def test_the_gradient_graph_takes_at_most_three_quarters_of_the_bridges_time(rows: dict[str, Any]) -> None:
    assert statistics.median(time_ratios(rows.values(), "onnx_gradient", "torch")) <= 0.75


def test_the_library_gives_each_of_two_images_its_own_scores(rows: dict[str, Any]) -> None:
    differences = [row["batch"]["library"] for row in rows.values() if row["batch"]["library"] is not None]
    assert differences
    assert max(differences) <= 2e-4


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({}, "right"),
        ({"forward": 1e-3}, "wrong"),
        ({"gradient": 5e-2}, "wrong"),
        ({"gradient": float("nan")}, "wrong"),
        ({"error": "GradientError: no rule"}, "refused"),
    ],
)
def test_a_verdict_is_right_only_within_all_bounds(change: dict[str, Any], expected: str) -> None:
    found = {"forward": 1e-6, "agreement": 1.0, "gradient": 1e-3, **change}
    row = {"precision": "fp32", "between_routes": 1e-3, "routes": {"torch": found}}
    assert verdict(row, "torch") == expected


def test_quantised_files_are_judged_by_their_labels_as_onnx_runtime_is() -> None:
    found = {"forward": 0.05, "agreement": 0.9995, "gradient": 0.5}
    row: dict[str, Any] = {"precision": "int8", "between_routes": 0.1, "routes": {"torch": found}}
    for agreement, of_runtime, expected in (
        (0.9995, 1, "right"),
        (0.995, 1, "wrong"),
        (0.995, 0.996, "right"),
        (0.993, 0.996, "wrong"),
    ):
        found["agreement"], row["runtime_agreement"] = agreement, of_runtime
        assert verdict(row, "torch") == expected
