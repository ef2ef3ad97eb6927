"""`misure reliability`: learned from one table, told of another."""

import csv
from pathlib import Path

import pytest

pytest.importorskip("pyarrow", reason="pyarrow is not installed: tables need it")

from misure_onnx.audit.table import write_table
from tests.cli.outcome import Run
from tests.reliability.examples_of import rows


def test_train_then_predict(misure: Run, tmp_path: Path) -> None:
    (tmp_path / "old").mkdir()
    write_table(rows(), tmp_path / "old/audit.parquet")
    write_table(({**row, "dice_truth": None} for row in rows(seed=7)), tmp_path / "new.parquet")
    trained = misure("reliability", "train", tmp_path / "old", "--out", tmp_path / "r")
    assert trained.status == 0, trained.err
    assert trained.out.splitlines()[0].startswith("right = Dice with the truth from 0.9 on; features: paper, of misure")
    assert any(line.startswith("liver") for line in trained.out.splitlines())
    assert (tmp_path / "r/reliability.png").stat().st_size > 1000
    told = misure("reliability", "predict", tmp_path / "new.parquet", "--model", tmp_path / "r/reliability.json",
                  "--accept", "0.6", "--out", tmp_path / "trust.csv", "--json").document()  # fmt: skip
    assert len(told) == 120
    assert all(one["accepted"] == (one["probability"] >= 0.6) for one in told)
    with (tmp_path / "trust.csv").open(newline="") as file:
        assert [row["image"] for row in csv.DictReader(file)] == [one["image"] for one in told]


def test_several_tables_are_one(misure: Run, tmp_path: Path) -> None:
    halves = rows(10), [{**row, "group": f"other {row['group']}"} for row in rows(10, seed=3)]
    for name, half in zip("ab", halves, strict=True):
        write_table(half, tmp_path / f"{name}.parquet")
    document = misure("reliability", "train", tmp_path / "a.parquet", tmp_path / "b.parquet", "--features", "all",
                      "--out", tmp_path / "r", "--json").document()  # fmt: skip
    assert document["classes"]["liver"]["validation"]["count"] == 80
    assert document["classes"]["liver"]["validation"]["groups"] == 20


def test_what_is_wrong_is_refused(misure: Run, tmp_path: Path) -> None:
    misure("reliability", "train", tmp_path).assert_refused("is no audit")
    write_table(rows(1), tmp_path / "audit.parquet")
    misure("reliability", "train", tmp_path).assert_refused("4 of each are needed")
    misure("reliability", "train", tmp_path, "--seed", "-1").assert_refused("--seed must not be negative, got -1")
    misure("reliability", "predict", tmp_path, "--model", tmp_path / "x.json").assert_refused("x.json")
