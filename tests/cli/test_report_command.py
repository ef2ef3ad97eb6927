"""`misure report` and `misure verify`."""

from pathlib import Path

import pytest

pytest.importorskip("pyarrow", reason="pyarrow is not installed: tables need it")
pytest.importorskip("jinja2", reason="jinja2 is not installed: reports need it")

from tests.audit.examples import audit, settings, two_pictures
from tests.cli.outcome import Run


@pytest.fixture
def audited(tmp_path: Path) -> Path:
    audit(two_pictures(tmp_path / "data"), settings(tmp_path), tmp_path / "out")
    return tmp_path / "out"


def test_a_report_verifies_until_a_file_changes(misure: Run, audited: Path) -> None:
    done = misure("report", audited)
    assert done.status == 0, done.err
    assert (audited / "report.html").is_file()
    assert misure("verify", audited).status == 0
    (audited / "report.html").write_text("nothing to see")
    changed = misure("verify", audited)
    assert changed.status == 1
    assert "changed: report.html" in changed.out


def test_insights_after_the_report_are_no_difference(misure: Run, audited: Path) -> None:
    assert misure("report", audited).status == 0
    assert misure("insights", audited, "--method", "sufficient_region").status == 0
    assert (audited / "insights/insights.json").is_file()
    assert misure("verify", audited).status == 0


def test_the_page_may_lie_elsewhere(misure: Run, audited: Path, tmp_path: Path) -> None:
    assert misure("report", audited, "--out", tmp_path / "told/page.html").status == 0
    assert (tmp_path / "told/page.json").is_file()
    assert not (audited / "report.html").exists()


def test_a_folder_without_a_manifest_is_refused(misure: Run, audited: Path) -> None:
    misure("verify", audited).assert_refused("write one with misure report")


def test_a_page_that_is_a_folder_is_refused(misure: Run, audited: Path) -> None:
    misure("report", audited, "--out", ".").assert_refused("is a directory", "NAME.html")
