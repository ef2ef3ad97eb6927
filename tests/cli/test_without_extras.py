"""What is said where extras are not installed."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.audit.examples import two_pictures
from tests.cli.missing_extras import CASES, Case, declared_extras
from tests.cli.process import started
from tests.tiny_models import bright_pixels

NOT_BY_A_COMMAND = {
    "cuda": "without it a session runs on the CPU, and `misure doctor` says so",
    "mlserver": "a platform imports it",
}

ELSEWHERE = ("misure_onnx.service.", "misure_onnx.integrations.mlserver", "misure_onnx.gradients.torch_bridge.")
"""Modules that serve one extra; what leads to them is guarded."""


def without(*packages: str) -> str:
    """Python that hides packages."""
    return f"""
import sys
from importlib.machinery import PathFinder

class Without(PathFinder):
    @classmethod
    def find_spec(cls, name, path=None, target=None):
        return None if name.partition(".")[0] in {packages!r} else super().find_spec(name, path, target)

sys.meta_path = [Without if finder is PathFinder else finder for finder in sys.meta_path]
"""


def printed(program: str) -> str:
    """What Python prints."""
    return subprocess.run([sys.executable, "-c", program], capture_output=True, check=True, text=True).stdout


@pytest.mark.parametrize("case", CASES, ids=str)
def test_a_missing_package_is_refused_with_the_extra_that_brings_it(case: Case, tmp_path: Path) -> None:
    outcome = started(*case.arguments(tmp_path), prelude=without(case.package))
    outcome.assert_refused(f"pip install 'misure-onnx[{case.extra}]'")
    assert not (tmp_path / "out" / "audit.parquet").exists()


def test_every_extra_is_among_them() -> None:
    assert {case.extra for case in CASES} | set(NOT_BY_A_COMMAND) == declared_extras()


def test_all_modules_but_those_of_one_extra_are_imported_without_extras() -> None:
    """An import at the head of a module would take the command line down with it."""
    extras = {case.package for case in CASES} | {"mlserver", "starlette", "pydantic"}
    failed = printed(f"""
{without(*extras)}
import importlib, json, pkgutil
import misure_onnx

failed = []
for module in pkgutil.walk_packages(misure_onnx.__path__, "misure_onnx.", onerror=lambda name: None):
    if not module.name.endswith("__main__"):
        try:
            importlib.import_module(module.name)
        except ImportError:
            failed.append(module.name)
print(json.dumps(failed))
""")
    assert [name for name in json.loads(failed) if not f"{name}.".startswith(ELSEWHERE)] == []


@pytest.mark.parametrize(
    ("module", "package", "words"),
    [
        ("integrations.mlserver", "mlserver", "pip install 'misure-onnx[mlserver]'"),
        ("service.on_ray", "ray", "pip install 'misure-onnx[service]' 'ray[serve]'"),
    ],
)
def test_what_a_platform_imports_says_it_too(module: str, package: str, words: str) -> None:
    program = f"""
{without(package)}
try:
    import misure_onnx.{module}
except ImportError as error:
    print(error)
"""
    assert words in printed(program)


def test_kserve_s_explainer_says_it_too() -> None:
    program = f"""
{without("uvicorn")}
import sys
sys.stderr = sys.stdout
from misure_onnx.service.kserve import main
print(main(["--model_name", "m", "--predictor_host", "h"]))
"""
    said, status = printed(program).splitlines()
    assert "pip install 'misure-onnx[service,remote]'" in said
    assert status == "2"


def test_without_ray_the_other_engines_work(tmp_path: Path) -> None:
    two_pictures(tmp_path / "data")
    bright_pixels(tmp_path / "model.onnx")
    asked: list[str | Path] = [
        "audit",
        tmp_path / "data",
        "--model",
        tmp_path / "model.onnx",
        "--out",
        tmp_path / "out",
    ]
    options = ("--engine", "inline", "--method", "predicted_mask", "--preprocess", "unit", "--json")
    assert started(*asked, *options, prelude=without("ray")).document()["results"]["rows"] == 2
