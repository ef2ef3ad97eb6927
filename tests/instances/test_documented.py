"""The example of docs/instances.md runs as it is written."""

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.tiny_models import SIZE, bright_pixels

PAGE = Path(__file__).resolve().parents[2] / "docs" / "instances.md"


def test_the_example_runs_as_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two objects found, one of them true, and one that is missed."""
    bright_pixels(tmp_path / "model.onnx")
    image, truth = np.zeros(SIZE, np.uint8), np.zeros(SIZE, np.uint8)
    image[2:5, 2:5] = image[10:14, 4:8] = 255
    truth[2:5, 2:5] = truth[14:18, 15:19] = 7
    (example,) = re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), flags=re.DOTALL)
    monkeypatch.chdir(tmp_path)
    names: dict[str, Any] = {"pairs": [(image, truth)]}
    exec(compile(example.replace("SmoothGrad()", "SmoothGrad(samples=2)"), PAGE.name, "exec"), names)  # noqa: S102 - the example is what is tested
    assert {group: len(values) for group, values in names["peaks"].items()} == {"detected": 1, "false": 1, "missed": 1}
    assert names["peaks"]["false"] == pytest.approx([1 / 16])  # a pixel's logit is x - 0.5, the mean one of 16
    assert names["png"].startswith(b"\x89PNG")
