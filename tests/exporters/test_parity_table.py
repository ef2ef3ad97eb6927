"""The page's table is what was measured, of every family, within the tolerance."""

import json
from pathlib import Path
from typing import Any

import pytest

from exporters.families import FAMILIES
from exporters.parity import LARGEST_DEVIATION, SMALLEST_AGREEMENT
from exporters.samples import SAMPLES
from exporters.table import RESULTS, table_between_marks, write_table
from misure_onnx.errors import InputError

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "exporters.md"


@pytest.fixture(scope="module")
def rows() -> dict[str, Any]:
    found: dict[str, Any] = json.loads((ROOT / RESULTS).read_text(encoding="utf-8"))["rows"]
    return found


def test_the_page_shows_the_results() -> None:
    assert table_between_marks(ROOT / RESULTS) in PAGE.read_text(encoding="utf-8")


def test_every_sample_and_every_family_is_measured(rows: dict[str, Any]) -> None:
    assert set(rows) == set(SAMPLES)
    assert {name.split("/")[0] for name in rows} == set(FAMILIES)


def test_every_row_is_within_the_tolerance(rows: dict[str, Any]) -> None:
    for row in rows.values():
        for inputs in ("random", "real"):
            found, tolerance = row["parity"][inputs], row["parity"]["tolerance"]
            assert tolerance in ({"largest_deviation": LARGEST_DEVIATION}, {"same_class": SMALLEST_AGREEMENT})
            assert found["largest_deviation"] <= LARGEST_DEVIATION or "same_class" in tolerance
            assert found["same_class"] >= SMALLEST_AGREEMENT


def test_a_page_names_every_family() -> None:
    text = PAGE.read_text(encoding="utf-8")
    assert all(f"python -m exporters {name} " in text for name in FAMILIES)


def test_a_page_without_marks_is_refused(tmp_path: Path) -> None:
    (tmp_path / "page.md").write_text("no table here")
    with pytest.raises(InputError, match="has no place for the table"):
        write_table(ROOT / RESULTS, tmp_path / "page.md")
