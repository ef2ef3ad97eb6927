"""The benchmark on known evidence: its summary, and the table in the docs."""

import json
from pathlib import Path
from typing import Any

from benchmarks.page_table import with_table
from benchmarks.triangle_regions import MARKERS, fair, markdown_table, summarise

ROOT = Path(__file__).resolve().parents[2]
DOCUMENT: dict[str, Any] = json.loads(
    (ROOT / "benchmarks" / "results" / "triangle_regions.json").read_text(encoding="utf-8")
)


def test_the_committed_summary_is_that_of_the_committed_rows() -> None:
    assert summarise(DOCUMENT["rows"]) == DOCUMENT["summary"]


def test_the_table_in_the_docs_is_that_of_the_committed_results() -> None:
    page = (ROOT / "docs" / "believing.md").read_text(encoding="utf-8")
    assert page == with_table(page, markdown_table(DOCUMENT["summary"]), MARKERS), (
        "run: python -m benchmarks.triangle_regions --docs docs/believing.md"
    )


def test_a_scene_is_fair_where_the_object_is_lost_without_either_of_the_other_two() -> None:
    assert fair({"dice_without_object": {"2": 0.0, "3": 0.9, "4": 1.0}})
    assert not fair({"dice_without_object": {"2": 0.0, "3": 0.91, "4": 0.0}})


def test_every_sufficient_minimal_region_touches_all_three_objects() -> None:
    for row in DOCUMENT["rows"].values():
        for name in ("misure minimal", "misure smooth"):
            if fair(row) and row["methods"][name]["passed"]:
                assert {1, 2, 3} <= set(row["methods"][name]["touched"])
