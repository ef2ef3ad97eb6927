"""The page about audits cannot drift: its columns are the table's, its formats and engines the registries'."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import cv2

from misure_onnx.audit.columns import COLUMNS
from misure_onnx.audit.datasets import FORMATS
from misure_onnx.audit.engines import ENGINES
from tests.tiny_models import noise_image, small_network

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs/audit.md").read_text(encoding="utf-8")


def test_every_column_is_listed_with_its_meaning() -> None:
    part = PAGE.split("<!-- columns:")[1].split("<!-- end of columns -->")[0]
    rows = re.findall(r"^\| `(\w+)` \| (\w+) \| (.+) \|$", part, flags=re.MULTILINE)
    assert rows == [(name, column.kind, column.meaning) for name, column in COLUMNS.items()]


def test_the_ratios_of_the_engines_are_those_that_were_measured() -> None:
    measured = json.loads((ROOT / "benchmarks/results/audit.json").read_text(encoding="utf-8"))
    found = {
        name.replace("`", ""): (float(rate), float(seconds))
        for name, rate, seconds in re.findall(r"^\| (`\w+`.+) \| ([\d.]+) \| ([\d.]+) \|$", PAGE, flags=re.MULTILINE)
    }
    rates, seconds = measured["ratios_of_images_per_second"], measured["ratios_of_seconds"]
    assert found == {name: (round(rates[name], 2), round(seconds[name], 2)) for name in rates}


def test_the_python_example_runs_as_written(tmp_path: Path) -> None:
    """With quick methods, as a script of its own: it starts processes."""
    (tmp_path / "photos").mkdir()
    cv2.imwrite(str(tmp_path / "photos/a.png"), noise_image())
    small_network(tmp_path / "model.onnx")
    (example,) = re.findall(r"```python\n(.*?)```", PAGE, flags=re.DOTALL)
    quick = example.replace('["misure", "rise"], "smooth"', '["predicted_mask"], None')
    assert quick != example
    (tmp_path / "script.py").write_text(quick)
    environment = {**os.environ, "PYTHONPATH": str(Path.cwd())}
    ended = subprocess.run(
        [sys.executable, "script.py"], cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
    )
    assert ended.returncode == 0, ended.stderr
    assert set(ended.stdout.strip("[]\n").split(", ")) == {"1.0"}


def test_every_format_and_engine_is_listed() -> None:
    named = set(re.findall(r"^\| `(\w+)` \|", PAGE, flags=re.MULTILINE))
    assert set(FORMATS) <= named
    assert set(ENGINES) <= named
