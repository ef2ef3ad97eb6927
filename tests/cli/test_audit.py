"""`misure audit`: what it prints, what it refuses, and the same table from every engine."""

import json
from pathlib import Path

import pytest

pytest.importorskip("pyarrow", reason="pyarrow is not installed: tables need it")

from misure_onnx.audit.table import read_rows
from tests.audit.examples import same_content, two_pictures
from tests.cli.outcome import Run
from tests.cli.process import started
from tests.tiny_models import bright_pixels


@pytest.fixture
def asked(tmp_path: Path) -> list[str | Path]:
    """Arguments of a small audit, without --out."""
    two_pictures(tmp_path / "data")
    bright_pixels(tmp_path / "model.onnx")
    (tmp_path / "pre.yaml").write_text(f"scale: {1 / 255}\ncolor: GRAY\nclass_names: [background, bright]\n")
    return [
        *("audit", tmp_path / "data", "--model", tmp_path / "model.onnx", "--preprocess", tmp_path / "pre.yaml"),
        *("--method", "predicted_mask,sufficient_region"),
    ]


def test_it_prints_a_line_a_class_and_method_and_where_the_table_is(
    misure: Run, asked: list[str | Path], tmp_path: Path
) -> None:
    (tmp_path / "data/c.png").write_text("no picture")
    done = misure(*asked, "--out", tmp_path / "out", "--engine", "inline")
    assert done.status == 0, done.err
    assert "3 images, 6 rows (2 failed, 4 ok); 6 of 6 shards computed" in done.out
    assert any(line.split()[:3] == ["bright", "predicted_mask", "2"] for line in done.out.splitlines())
    assert str(tmp_path / "out/audit.parquet") in done.out


def test_with_json_it_prints_the_record_alone(misure: Run, asked: list[str | Path], tmp_path: Path) -> None:
    document = misure(*asked, "--out", tmp_path / "out", "--engine", "inline", "--json", "--coco").document()
    assert document == json.loads((tmp_path / "out/audit.json").read_text())
    assert document["schema"] == "misure-onnx/audit-run/1"
    assert (tmp_path / "out/coco_predictions.json").is_file()


def test_processes_and_this_process_give_the_same_table(
    misure: Run, asked: list[str | Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With as many threads: forwards that are begun ahead of an early stop are as many as there are threads."""
    monkeypatch.setenv("MISURE_THREADS", "1")
    assert misure(*asked, "--out", tmp_path / "inline", "--engine", "inline").status == 0
    document = started(*asked, "--out", tmp_path / "local", "--workers", "2", "--threads", "1", "--json").document()
    assert (document["run"]["engine"], document["run"]["workers"], document["run"]["threads"]) == ("local", 2, 1)
    assert same_content(tmp_path / "inline", tmp_path / "local")
    assert len(list(read_rows(tmp_path / "local"))) == 4


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--engine", "dask"], ["engine 'dask' is unknown", "local, ray"]),
        (["--class", "brigth"], ["brigth", "did you mean bright"]),
        (["--method", "rice"], ["method 'rice' is unknown"]),
        (["--set", "cells=3"], ["no chosen method has a parameter 'cells'"]),
        (["--min-pixels", "0"], ["min_pixels must be at least 1"]),
        (["--workers", "0"], ["workers must be at least 1"]),
        (["--format", "zip"], ["data set format 'zip' is unknown"]),
        (["--crop", "1,2"], ["--crop expects X,Y,Z"]),
        (["--gpus", "0.5"], ["--engine ray"]),
        (["--engine", "inline", "--threads", "1"], ["inline is one worker", "MISURE_THREADS"]),
    ],
)
def test_what_is_wrong_is_refused(
    misure: Run, asked: list[str | Path], tmp_path: Path, arguments: list[str], words: list[str]
) -> None:
    misure(*asked, "--out", tmp_path / "out", *arguments).assert_refused(*words)
    assert not (tmp_path / "out/audit.parquet").exists()


def test_a_ray_that_does_not_answer_is_refused_at_once(misure: Run, asked: list[str | Path], tmp_path: Path) -> None:
    pytest.importorskip("ray", reason="ray is not installed")
    options = ("--engine", "ray", "--ray-address", "127.0.0.1:1", "--out", tmp_path / "out")
    misure(*asked, *options).assert_refused("no Ray answers at '127.0.0.1:1'")


def test_a_missing_data_set_or_model_is_refused(misure: Run, asked: list[str | Path], tmp_path: Path) -> None:
    misure("audit", tmp_path / "absent", *asked[2:]).assert_refused("does not exist", "a folder of images")
    (tmp_path / "model.onnx").unlink()
    misure(*asked, "--out", tmp_path / "out").assert_refused("model.onnx")


def test_it_ends_with_a_report_unless_told_not_to(misure: Run, asked: list[str | Path], tmp_path: Path) -> None:
    assert misure(*asked, "--out", tmp_path / "with", "--engine", "inline").status == 0
    assert misure(*asked, "--out", tmp_path / "without", "--engine", "inline", "--no-report").status == 0
    for name in ("report.html", "report.json", "manifest.sha256.json"):
        assert (tmp_path / "with" / name).is_file()
        assert not (tmp_path / "without" / name).exists()
