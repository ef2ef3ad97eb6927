"""The page about audits cannot drift: its columns are the table's, its formats and engines the registries'."""

import re
from pathlib import Path

from misure_onnx.audit.columns import COLUMNS
from misure_onnx.audit.datasets import FORMATS
from misure_onnx.audit.engines import ENGINES

PAGE = (Path(__file__).resolve().parents[2] / "docs/audit.md").read_text(encoding="utf-8")


def test_every_column_is_listed_with_its_meaning() -> None:
    part = PAGE.split("<!-- columns:")[1].split("<!-- end of columns -->")[0]
    rows = re.findall(r"^\| `(\w+)` \| (\w+) \| (.+) \|$", part, flags=re.MULTILINE)
    assert rows == [(name, column.kind, column.meaning) for name, column in COLUMNS.items()]


def test_every_format_and_engine_is_listed() -> None:
    named = set(re.findall(r"^\| `(\w+)` \|", PAGE, flags=re.MULTILINE))
    assert set(FORMATS) <= named
    assert set(ENGINES) <= named
