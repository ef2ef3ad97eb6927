"""The benchmark of the presets: its perimeter, its summary, and the table in the docs."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from benchmarks.minimal_regions import MARKERS, markdown_table, perimeter, summarise
from benchmarks.page_table import with_table

ROOT = Path(__file__).resolve().parents[2]
RESULTS = ROOT / "benchmarks" / "results" / "minimal_regions.json"
PAGE = ROOT / "docs" / "believing.md"


def test_the_perimeter_counts_pixel_edges() -> None:
    region = np.zeros((6, 8), bool)
    assert perimeter(region) == 0
    region[2, 3] = True
    assert perimeter(region) == 4
    region[2, 4] = True
    assert perimeter(region) == 6
    region[4, 4] = True
    assert perimeter(region) == 10
    assert perimeter(np.ones((6, 8), bool)) == 28  # the image's border counts


@pytest.fixture
def document() -> dict[str, Any]:
    found: dict[str, Any] = json.loads(RESULTS.read_text(encoding="utf-8"))
    return found


def test_the_committed_summary_is_that_of_the_committed_rows(document: dict[str, Any]) -> None:
    assert summarise(document["rows"]) == document["summary"]


def test_the_table_in_the_docs_is_that_of_the_committed_results(document: dict[str, Any]) -> None:
    page = PAGE.read_text(encoding="utf-8")
    assert page == with_table(page, markdown_table(document["summary"]), MARKERS), (
        "run: python -m benchmarks.minimal_regions --docs docs/believing.md"
    )


def test_a_table_replaces_the_one_before() -> None:
    begin, end = MARKERS
    page = f"a\n{begin}\nold\n{end}\nb\n"
    assert with_table(with_table(page, "new", MARKERS), "newer", MARKERS) == f"a\n{begin}\nnewer\n{end}\nb\n"


def test_every_committed_constrained_region_is_sufficient(document: dict[str, Any]) -> None:
    for key, row in document["rows"].items():
        if not key.endswith(" paper"):
            assert row["passed"], key
            assert row["dice"] > 0.9, key
        if key.endswith(" robust"):
            assert min(row["baselines"].values()) > 0.9, key
