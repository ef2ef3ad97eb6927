"""The command line, called in this process."""

from pathlib import Path

import cv2
import pytest

from misure_onnx.cli import main
from tests import tiny_models
from tests.cli.outcome import Outcome, Run


@pytest.fixture
def misure(capfd: pytest.CaptureFixture[str]) -> Run:
    """`misure` with some arguments: exit status, and what reached the terminal from Python or from a library."""

    def run(*arguments: str | Path) -> Outcome:
        capfd.readouterr()
        try:
            status = main([str(argument) for argument in arguments])
        except SystemExit as stopped:  # argparse
            status = int(stopped.code or 0)
        out, err = capfd.readouterr()
        return Outcome(status, out, err)

    return run


@pytest.fixture
def picture(tmp_path: Path) -> Path:
    """Noise that fits `small_network`."""
    path = tmp_path / "picture.png"
    cv2.imwrite(str(path), tiny_models.noise_image())
    return path
