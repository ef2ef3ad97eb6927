"""`misure insights`: one command after an audit."""

import json
from pathlib import Path

import pytest

pytest.importorskip("pyarrow", reason="pyarrow is not installed: tables need it")

from misure_onnx.audit.table import write_table
from tests.audit.examples import audit, settings, two_pictures
from tests.cli.outcome import Run
from tests.insights.audited import rows


def test_it_writes_numbers_and_a_figure_a_class(misure: Run, tmp_path: Path) -> None:
    write_table(rows(mark=True), tmp_path / "audit.parquet")
    document = misure("insights", tmp_path, "--json").document()
    assert document == json.loads((tmp_path / "insights/insights.json").read_text())
    (found,) = document["classes"]
    assert found["recurring_context"]["places"][0]["row"] == 0
    assert (tmp_path / "insights/class-1.png").stat().st_size > 1000


def test_few_pictures_are_said_to_be_few(misure: Run, tmp_path: Path) -> None:
    audit(two_pictures(tmp_path / "data"), settings(tmp_path, "sufficient_region"), tmp_path / "out")
    done = misure("insights", tmp_path / "out", "--out", tmp_path / "told")
    assert done.status == 0, done.err
    assert any(line.split()[:4] == ["bright", "2", "-", "-"] for line in done.out.splitlines())
    assert (tmp_path / "told/class-1.png").is_file()


def test_what_is_no_audit_is_refused(misure: Run, tmp_path: Path) -> None:
    misure("insights", tmp_path).assert_refused("is no audit")
    write_table(rows(3), tmp_path / "audit.parquet")
    misure("insights", tmp_path, "--method", "rise").assert_refused("no explanation of rise")
