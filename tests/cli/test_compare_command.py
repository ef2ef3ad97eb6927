"""`misure compare`: what it prints, and its gate."""

import json
from pathlib import Path

import pytest

pytest.importorskip("pyarrow", reason="pyarrow is not installed: tables need it")

from tests.audit.examples import two_pictures
from tests.cli.outcome import Run
from tests.tiny_models import bright_pixels


def test_the_command_reports_and_guards(misure: Run, tmp_path: Path) -> None:
    two_pictures(tmp_path / "data")
    for name in "ab":
        bright_pixels(tmp_path / f"{name}.onnx")
    (tmp_path / "pre.yaml").write_text(f"scale: {1 / 255}\ncolor: GRAY\n")
    (tmp_path / "dark.yaml").write_text(f"scale: {1 / 510}\ncolor: GRAY\n")
    asked = [
        *(
            "compare",
            tmp_path / "a.onnx",
            tmp_path / "b.onnx",
            tmp_path / "data",
            "--preprocess",
            tmp_path / "pre.yaml",
        ),
        *("--method", "predicted_mask", "--engine", "inline", "--out", tmp_path / "out"),
    ]
    done = misure(*asked, "--fail-under", "0.99")
    assert done.status == 0, done.err
    assert "2 pairs: 2 found by both models" in done.out
    assert "1.00 [1.00, 1.00]" in done.out
    refused = misure(*asked, "--preprocess-b", tmp_path / "dark.yaml", "--fail-under", "0.5", "--json")
    assert refused.status == 1
    assert "gate not met: median region_iou must reach 0.5, got predicted_mask: 0.000" in refused.err
    assert json.loads(refused.out)["gate"]["met"] is False
    misure(*asked, "--fail-under", "7").assert_refused("--fail-under must lie between -1 and 1")
