"""Fixtures shared by all tests."""

from pathlib import Path

import pytest

from tests import tiny_models


@pytest.fixture
def bright_pixels(tmp_path: Path) -> Path:
    return tiny_models.bright_pixels(tmp_path / "bright_pixels.onnx")


@pytest.fixture
def small_network(tmp_path: Path) -> Path:
    return tiny_models.small_network(tmp_path / "small_network.onnx")
