"""The report says what the table holds, escapes all of it and loads nothing."""

import json
import re
import shutil
import subprocess
from html.parser import HTMLParser
from pathlib import Path

import cv2
import numpy as np
import pytest

pytest.importorskip("pyarrow", reason="pyarrow is not installed: tables need it")
pytest.importorskip("jinja2", reason="jinja2 is not installed: reports need it")

from misure_onnx.audit.table import read_rows, write_table
from misure_onnx.errors import InputError, OutputError
from misure_onnx.report.results import COLUMNS, results
from misure_onnx.report.trust import trust
from misure_onnx.report.write import Written, render, write_report
from tests.audit.examples import RAW, audit, settings, two_pictures
from tests.reliability import examples_of

HOSTILE = "<script>alert(1)</script>"


@pytest.fixture
def written(tmp_path: Path) -> Written:
    """Of an audit whose class has a hostile name and of whose images one fails."""
    data = two_pictures(tmp_path / "data")
    (data / "<img src=x>.png").write_text("no picture")
    asked = settings(tmp_path, preprocess={**RAW, "class_names": ["background", HOSTILE]})
    audit(data, asked, tmp_path / "out")
    return write_report(tmp_path / "out")


class Tags(HTMLParser):
    """What a browser would make of the page."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.names: set[str] = set()
        self.loads: list[str] = []
        self.anchors: set[str] = set()
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.names.add(tag)
        self.loads += [value or "" for name, value in attrs if name in {"src", "href", "srcset", "data", "action"}]
        self.anchors |= {f"#{value}" for name, value in attrs if name == "id"}


def test_a_hostile_class_name_is_text(written: Written) -> None:
    page = written.page.read_text()
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page
    assert "script" not in Tags(page).names


def test_the_page_loads_nothing_but_what_is_inside_of_it(written: Written) -> None:
    page = written.page.read_text()
    tags = Tags(page)
    assert len([load for load in tags.loads if load.startswith("data:image/")]) >= 3
    assert all(load.startswith("data:image/") or load in tags.anchors for load in tags.loads)
    assert not re.search(r"url\(|@import", page)
    assert not tags.names & {"link", "iframe", "object", "embed", "base"}


def test_the_json_holds_results_failures_and_hashes(written: Written) -> None:
    found = json.loads(written.record.read_text())
    assert found == json.loads(json.dumps(written.document))
    assert {(one["label"], one["count"]) for one in found["results"]["classes"]} == {(HOSTILE, 2)}
    assert found["failures"]["count"] == 2
    assert {one["example"] for one in found["failures"]["by_reason"]} == {"<img src=x>.png"}
    assert found["subject"]["model"]["sha256"]
    assert "no row has a Dice with the truth" in found["reliability"]["classes"][0]["note"]


def test_medians_are_those_of_the_table(written: Written) -> None:
    rows = [row for row in read_rows(written.page.parent, COLUMNS) if row["method"] == "sufficient_region"]
    (found,) = results(rows)
    ratios = [row["perturbation_ratio"] for row in rows if row["error"] is None]
    ratio = found.medians["perturbation_ratio"]
    assert ratio is not None
    assert ratio.value == float(np.median(ratios))
    assert ratio.interval is not None
    assert min(ratios) <= ratio.interval[0] <= ratio.interval[1] <= max(ratios)


def test_the_share_that_passed_counts_only_what_was_judged() -> None:
    row = dict.fromkeys(COLUMNS) | {"class_index": 1, "method": "m", "dice_explained": 1.0}
    (found,) = results(
        [row | {"image": f"{k}", "passed": passed} for k, passed in enumerate([True, True, False, None])]
    )
    assert found.passed is not None
    assert found.passed.count == 3
    assert found.passed.value == pytest.approx(2 / 3)


def test_a_picture_that_is_gone_is_said_to_be_gone(written: Written) -> None:
    folder = written.page.parent
    (folder.parent / "data/a.png").unlink()
    cases = {case["image"]: case for case in write_report(folder).document["cases"]}
    assert cases["a.png"]["picture"] is None
    assert "does not lie where" in cases["a.png"]["note"]
    assert cases["b.png"]["picture"].startswith("data:image/jpeg;base64,")


def test_the_same_audit_gives_the_same_page(written: Written) -> None:
    first = written.page.read_bytes()
    assert write_report(written.page.parent).page.read_bytes() == first


def test_the_record_of_the_audit_is_not_written_over(written: Written) -> None:
    with pytest.raises(OutputError, match="would be written over"):
        write_report(written.page.parent, written.page.parent / "audit.html")


def test_what_is_no_audit_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="is no audit"):
        write_report(tmp_path)


@pytest.mark.parametrize("width", [1200, 500])
def test_a_browser_shows_it(written: Written, tmp_path: Path, width: int) -> None:
    browser = shutil.which("chromium")
    if browser is None:
        pytest.skip("chromium is not installed: the page is not opened in a browser")
    picture = tmp_path / "page.png"
    options = ["--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", f"--user-data-dir={tmp_path / 'c'}"]
    subprocess.run(
        [browser, *options, f"--window-size={width},1600", f"--screenshot={picture}", written.page.as_uri()],
        check=True, capture_output=True, timeout=120,
    )  # fmt: skip
    shown = cv2.imread(str(picture))
    assert shown is not None
    assert shown.shape[:2] == (1600, width)
    rule = (np.abs(shown.astype(int) - (0x92, 0x5B, 0x3B)).max(-1) < 3).sum(axis=1)
    assert (rule > 0.8 * width).any(), "no heading's rule goes over the page"


def test_with_ground_truth_the_page_shows_auc_beside_the_models_confidence(written: Written, tmp_path: Path) -> None:
    write_table(examples_of.rows(), tmp_path / "audit.parquet")
    lines = trust(tmp_path, ["misure"])
    assert [(line["label"], line["note"], line["count"], line["groups"]) for line in lines] == [
        ("liver", None, 120, 30)
    ]
    assert set(lines[0]["auc"]) == {"classifier", "max_probability", "entropy"}
    page = render({**written.document, "reliability": {**written.document["reliability"], "classes": lines}})
    assert "120 in 30 groups" in page
    assert re.search(r"classifier 0\.\d+ \[0\.\d+, [01]\.?\d*\]<br>max_probability 0\.", page)
