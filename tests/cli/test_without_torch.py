"""What works where torch is not installed, and what is said about the rest."""

import json
from pathlib import Path

import pytest
import yaml

from benchmarks.shared_data import triples
from tests.cli.documents import assert_complete
from tests.cli.process import started
from tests.shared_data import shared_data

WITHOUT_TORCH = """
import sys
from importlib.machinery import PathFinder

class Without(PathFinder):
    @classmethod
    def find_spec(cls, name, path=None, target=None):
        return None if name.partition(".")[0] == "torch" else super().find_spec(name, path, target)

sys.meta_path = [Without if finder is PathFinder else finder for finder in sys.meta_path]
"""


@pytest.mark.parametrize("method", ["sufficient_region", "rise"])
def test_forward_only_methods_do_not_need_torch(method: str, small_network: Path, picture: Path) -> None:
    options = ("--preprocess", "unit", "--method", method, *(("--set", "masks=8") if method == "rise" else ()))
    document = started("explain", small_network, picture, *options, "--json", prelude=WITHOUT_TORCH).document()
    assert_complete(document)
    assert document["provenance"]["gradient_route"] is None


@pytest.mark.parametrize(
    ("route", "taken"),
    [
        ("auto", "onnx_gradient"),
        ("gradient", "onnx_gradient"),
        ("search", "search"),
        ("finite_difference", "finite_difference"),
    ],
)
def test_a_minimal_region_does_not_need_torch(route: str, taken: str, small_network: Path, picture: Path) -> None:
    options = ("--preprocess", "unit", "--route", route, "--budget", "30", "--set", "iterations=3")
    document = started("explain", small_network, picture, *options, "--json", prelude=WITHOUT_TORCH).document()
    assert_complete(document)
    assert document["provenance"]["gradient_route"] == taken
    assert document["certificate"]["dice"] > 0.9


@pytest.mark.parametrize("route", ["onnx_gradient", "search"])
def test_a_real_photo_is_explained_without_torch(route: str, tmp_path: Path) -> None:
    shared_data()
    (portrait,) = (triple for triple in triples() if triple.name == "D15")
    declared = tmp_path / "preprocessing.yaml"
    declared.write_text(yaml.safe_dump(portrait.preprocessing.to_mapping()), encoding="utf-8")
    options = ("--preprocess", declared, "--preset", "minimal", "--route", route, "--budget", "150")
    arguments = (
        portrait.model,
        portrait.image,
        *options,
        "--set",
        "iterations=60",
        "--out",
        tmp_path / "out",
        "--json",
    )
    document = started("explain", *arguments, prelude=WITHOUT_TORCH).document()
    assert_complete(document)
    assert document["provenance"]["gradient_route"] == route
    assert document["provenance"]["status"] == "ok"
    assert document["certificate"]["dice"] > 0.9
    assert document["metrics"]["perturbation_ratio"] < 0.5
    assert (tmp_path / "out" / "minimal_region.png").is_file()


def test_without_torch_its_route_is_refused_with_the_way_out(small_network: Path, picture: Path) -> None:
    options = ("--preprocess", "unit", "--method", "misure", "--route", "torch", "--json")
    outcome = started("explain", small_network, picture, *options, prelude=WITHOUT_TORCH)
    outcome.assert_refused(
        "torch is not installed: pip install 'misure-onnx[torch]'", "methods that need forwards only"
    )


def test_without_torch_doctor_says_how_to_get_it() -> None:
    outcome = started("doctor", "--json", prelude=WITHOUT_TORCH)
    (torch,) = (check for check in json.loads(outcome.out) if check["name"] == "torch")
    assert torch["status"] == "absent"
    assert "misure-onnx[torch]" in torch["repair"]


def test_without_torch_inspect_takes_another_route_or_says_why_there_is_none(small_network: Path) -> None:
    outcome = started("inspect", small_network, "--preprocess", "unit", "--json", prelude=WITHOUT_TORCH)
    gradient = outcome.document()["gradient"]
    assert gradient["route"] != "torch"
    assert gradient["route"] or "torch is not installed" in gradient["reason"]


def test_forward_only_methods_do_not_import_torch(small_network: Path, picture: Path) -> None:
    at_exit = "import atexit, sys; atexit.register(lambda: print('torch' in sys.modules, file=sys.stderr))"
    outcome = started(
        "explain",
        small_network,
        picture,
        "--method",
        "sufficient_region",
        "--preprocess",
        "unit",
        "--json",
        prelude=at_exit,
    )
    assert_complete(outcome.document())
    assert outcome.err == "False\n"
