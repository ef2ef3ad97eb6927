"""The wheel in an empty environment with its base dependencies alone: no torch, no extra, no tree beside it."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli.documents import assert_complete
from tests.cli.missing_extras import CASES, Case
from tests.cli.outcome import Outcome
from tests.packaging.conftest import Release
from tests.tiny_models import noise_image, small_network

pytestmark = pytest.mark.package


def python(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False, env=clean())


def clean() -> dict[str, str]:
    """The variables of this process without those that point to other Python packages."""
    return {name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "VIRTUAL_ENV")}


@pytest.fixture(scope="session")
def installed(release: Release, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the commands of an environment in which only the wheel was asked for."""
    environment = tmp_path_factory.mktemp("installed") / "environment"
    assert python("-m", "venv", "--without-pip", environment).returncode == 0
    done = python("-m", "pip", "--python", environment / "bin" / "python", "install", "--quiet", release.wheel)
    if done.returncode != 0 and "NewConnectionError" in done.stderr:
        pytest.skip(f"no package registry can be reached: {done.stderr.splitlines()[-1].strip()}")
    assert done.returncode == 0, done.stderr
    return environment / "bin"


def run(commands: Path, folder: Path, *arguments: str | Path) -> Outcome:
    """`misure` of the environment, far from the tree."""
    command = [str(commands / "misure"), *map(str, arguments)]
    ended = subprocess.run(command, capture_output=True, text=True, check=False, cwd=folder, env=clean())
    return Outcome(ended.returncode, ended.stdout, ended.stderr)


def test_the_demo_explains_the_bundled_model(installed: Path, tmp_path: Path) -> None:
    document = run(installed, tmp_path, "demo", "--out", "out", "--json").document()
    assert_complete(document)
    assert document["certificate"]["dice"] > 0.9
    assert document["provenance"]["gradient_route"] == "onnx_gradient"
    assert {"explanation.json", "figure.png", "saliency.npy"} <= {path.name for path in (tmp_path / "out").iterdir()}


def test_a_forward_only_method_explains_a_model_of_the_user_s(installed: Path, tmp_path: Path) -> None:
    import cv2  # noqa: PLC0415 - of this environment, only here

    model = small_network(tmp_path / "model.onnx")
    cv2.imwrite(str(tmp_path / "image.png"), noise_image())
    asked = ("explain", model, tmp_path / "image.png", "--method", "rise", "--set", "masks=60", "--preprocess", "unit")
    assert_complete(run(installed, tmp_path, *asked, "--json").document())


def test_only_the_base_dependencies_were_installed(installed: Path) -> None:
    asked = "import importlib.util as u, misure_onnx; print(u.find_spec('torch'), misure_onnx.__file__)"
    printed = subprocess.run(
        [str(installed / "python"), "-c", asked], capture_output=True, text=True, check=True, cwd="/", env=clean()
    ).stdout
    assert printed.startswith("None ")
    assert str(installed.parent) in printed


def first_of_each_extra() -> list[Case]:
    """An audit on Ray lacks its table's library first."""
    return list({case.extra: case for case in reversed(CASES) if case.extra != "ray"}.values())


@pytest.mark.parametrize("case", first_of_each_extra(), ids=str)
def test_what_needs_an_extra_says_which(installed: Path, tmp_path: Path, case: Case) -> None:
    outcome = run(installed, tmp_path, *case.arguments(tmp_path))
    outcome.assert_refused(f"pip install 'misure-onnx[{case.extra}]'")


def test_doctor_finds_no_fault(installed: Path, tmp_path: Path) -> None:
    outcome = run(installed, tmp_path, "doctor")
    assert outcome.status == 0
    assert "pip install 'misure-onnx[torch]'" in outcome.out
