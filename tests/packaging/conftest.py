"""What a release consists of, built once."""

import shutil
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import pytest

ROOT = Path(__file__).resolve().parents[2]


class Release(NamedTuple):
    """The two files of a release."""

    sdist: Path
    wheel: Path


def build(source: Path, out: Path, *which: str) -> Release:
    """Builds from a tree with the tools of this environment: the sdist and the wheel from it, or as `which` says."""
    command = [sys.executable, "-m", "build", "--no-isolation", "--outdir", str(out), *which, str(source)]
    subprocess.run(command, check=True, capture_output=True)
    found = (next(iter(out.glob(pattern)), out / "absent") for pattern in ("*.tar.gz", "*.whl"))
    return Release(*found)


def copied(folder: Path) -> Path:
    """The project's tree as it is, without what tools left in it, in another place and with other times."""
    left_out = shutil.ignore_patterns(".*", "__pycache__", "build", "dist", "out", "misure-demo", "*.egg-info")
    tree = Path(shutil.copytree(ROOT, folder, ignore=left_out, copy_function=shutil.copy))
    for name in (".gitignore", ".dockerignore"):
        shutil.copy(ROOT / name, tree / name)
    shutil.copytree(ROOT / ".ci", tree / ".ci")
    return tree


@pytest.fixture(scope="session")
def release(tmp_path_factory: pytest.TempPathFactory) -> Release:
    pytest.importorskip("build", reason="build is not installed")
    pytest.importorskip("hatchling", reason="hatchling is not installed")
    return build(ROOT, tmp_path_factory.mktemp("release"))
