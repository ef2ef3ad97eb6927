"""Fixtures shared by all tests."""

import os
from pathlib import Path

import pytest

from tests import tiny_models

os.environ.setdefault("GOMP_SPINCOUNT", "20000")  # as the command line does, before anything imports torch


@pytest.fixture
def bright_pixels(tmp_path: Path) -> Path:
    return tiny_models.bright_pixels(tmp_path / "bright_pixels.onnx")


@pytest.fixture
def small_network(tmp_path: Path) -> Path:
    return tiny_models.small_network(tmp_path / "small_network.onnx")
