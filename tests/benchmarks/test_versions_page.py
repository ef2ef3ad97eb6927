"""docs/packaging.md says what was measured, and the lowest versions are those of pyproject.toml."""

import json
import re
import tomllib
from pathlib import Path

from benchmarks.versions import EXTRAS, RESULT, table

ROOT = Path(__file__).resolve().parents[2]
ROWS = json.loads(RESULT.read_text(encoding="utf-8"))["rows"]


def test_the_table_is_that_of_the_committed_results() -> None:
    page = (ROOT / "docs" / "packaging.md").read_text(encoding="utf-8")
    assert table() in page, "run: python -m benchmarks.versions --docs docs/packaging.md"


def test_nothing_failed_in_the_committed_results() -> None:
    assert {key: row["failures"] for key, row in ROWS.items() if row["failed"]} == {}
    assert all(row["passed"] > 1000 for row in ROWS.values())


def test_the_lowest_versions_were_those_that_are_declared_now() -> None:
    """Where a bound was changed: python -m benchmarks.versions lowest."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    asked = [*project["dependencies"], *(text for extra in EXTRAS for text in project["optional-dependencies"][extra])]
    lowest = {re.match(r"[\w.-]+", text)[0]: re.search(r">=([\d.]+)", text)[1] for text in asked}  # type: ignore[index]
    (row,) = (row for key, row in ROWS.items() if key.endswith("lowest"))
    for name, bound in lowest.items():
        if name in row["versions"]:
            assert row["versions"][name].split(".")[: bound.count(".") + 1] == bound.split("."), name
    assert set(lowest) - set(row["versions"]) <= {"onnxruntime", "onnxruntime-gpu"}
