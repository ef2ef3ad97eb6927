"""What is said where the extras of audits are not installed."""

from pathlib import Path

import pytest

from tests.audit.examples import two_pictures
from tests.cli.process import started
from tests.tiny_models import bright_pixels


def without(package: str) -> str:
    """Python that hides a package."""
    return f"""
import sys
from importlib.machinery import PathFinder

class Without(PathFinder):
    @classmethod
    def find_spec(cls, name, path=None, target=None):
        return None if name.partition(".")[0] == "{package}" else super().find_spec(name, path, target)

sys.meta_path = [Without if finder is PathFinder else finder for finder in sys.meta_path]
"""


@pytest.fixture
def asked(tmp_path: Path) -> list[str | Path]:
    two_pictures(tmp_path / "data")
    bright_pixels(tmp_path / "model.onnx")
    return ["audit", tmp_path / "data", "--model", tmp_path / "model.onnx", "--out", tmp_path / "out"]


def test_without_pyarrow_nothing_is_begun(asked: list[str | Path], tmp_path: Path) -> None:
    started(*asked, prelude=without("pyarrow")).assert_refused("pip install 'misure-onnx[reports]'")
    assert not (tmp_path / "out").exists()


def test_without_ray_the_other_engines_work(asked: list[str | Path]) -> None:
    started(*asked, "--engine", "ray", prelude=without("ray")).assert_refused("pip install 'misure-onnx[ray]'")
    options = ("--engine", "inline", "--method", "predicted_mask", "--preprocess", "unit", "--json")
    assert started(*asked, *options, prelude=without("ray")).document()["results"]["rows"] == 2
