"""What `misure doctor` finds in broken environments: records and modules are laid in front of the real ones."""

import json
import os
from pathlib import Path
from typing import Any

import pytest

from tests.cli.process import started


def recorded(folder: Path, name: str, version: str, *requirements: str) -> None:
    """The record that pip leaves of a distribution."""
    record = folder / f"{name.replace('-', '_')}-{version}.dist-info"
    record.mkdir()
    asked = "".join(f"Requires-Dist: {requirement}\n" for requirement in requirements)
    (record / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n{asked}", "utf-8")


def findings(folder: Path) -> dict[str, dict[str, Any]]:
    """The checks by name, with what lies in a folder found first."""
    outcome = started("doctor", "--json", PYTHONPATH=os.pathsep.join([str(folder), str(Path.cwd())]))
    assert outcome.err == ""
    checks = json.loads(outcome.out)
    assert outcome.status == int(any(check["status"] == "fault" for check in checks))
    return {check["name"]: check for check in checks}


@pytest.mark.parametrize(
    ("check", "wanted", "other"),
    [
        ("onnxruntime", "onnxruntime-gpu", "onnxruntime"),
        ("opencv", "opencv-python-headless", "opencv-python"),
        ("opencv", "opencv-python-headless", "opencv-contrib-python"),
    ],
)
def test_two_builds_of_one_library_are_a_fault_with_its_repair(
    tmp_path: Path, check: str, wanted: str, other: str
) -> None:
    recorded(tmp_path, wanted, "1.30.0")
    recorded(tmp_path, other, "1.31.0")
    found = findings(tmp_path)[check]
    assert found["status"] == "fault"
    assert f"{other} 1.31.0" in found["found"]
    assert f"{wanted} 1.30.0" in found["found"]
    removed, _, brought = found["repair"].partition(" && ")
    assert removed == f"pip uninstall -y {wanted} {other}"
    assert brought.startswith("pip install ")
    assert wanted in brought


def test_who_asks_for_the_other_build_is_named(tmp_path: Path) -> None:
    recorded(tmp_path, "opencv-python-headless", "5.0")
    recorded(tmp_path, "opencv-python", "5.0")
    recorded(tmp_path, "photo-albums", "2.0", "opencv_python>=4", "opencv-contrib-python; extra == 'more'")
    found = findings(tmp_path)["opencv"]
    assert found["found"].endswith("overwrite each other; asked for by photo-albums (opencv-python)")


@pytest.mark.parametrize(("check", "module"), [("onnxruntime", "onnxruntime"), ("opencv", "cv2")])
def test_what_is_left_of_a_library_when_its_twin_was_removed_is_a_fault(
    tmp_path: Path, check: str, module: str
) -> None:
    """pip removes the files that both had written: an empty folder of the name stays."""
    (tmp_path / module).mkdir()
    (tmp_path / module / "__init__.py").touch()
    checks = findings(tmp_path)
    assert checks[check]["status"] == "fault"
    assert "not complete" in checks[check]["found"]
    assert checks[check]["repair"].startswith("pip install --force-reinstall --no-deps ")
    assert checks["bundled model"]["status"] == "fault"
    assert check in checks["bundled model"]["found"]
    assert "torch" in checks


def test_one_build_is_fine(tmp_path: Path) -> None:
    checks = findings(tmp_path)
    assert {checks[name]["status"] for name in ("onnxruntime", "opencv", "bundled model")} == {"ok"}
