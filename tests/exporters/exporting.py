"""The exporters' command line, as the tests call it."""

import importlib.util
from pathlib import Path

import pytest

from exporters.__main__ import main
from exporters.families import FAMILIES


def needs(family: str) -> None:
    """Skips the test where the family's framework is not installed."""
    missing = FAMILIES[family].missing()
    if missing:
        pytest.skip(f"{', '.join(missing)} is not installed: pip install --group exporters")


def needs_torch_exporter() -> None:
    """Skips the test where torch's newer exporter lacks its package."""
    if importlib.util.find_spec("onnxscript") is None:
        pytest.skip("onnxscript is not installed: pip install --group exporters")


def export(out: Path, *arguments: str) -> Path:
    """Runs an exporter, which must succeed."""
    needs(arguments[0])
    assert main([*arguments, "--out", str(out)]) == 0
    return out
