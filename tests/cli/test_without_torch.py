"""What works where torch is not installed, and what is said about the rest."""

import json
from pathlib import Path

import pytest

from tests.cli.documents import assert_complete
from tests.cli.process import started

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


def test_without_torch_its_route_is_refused_with_the_way_out(small_network: Path, picture: Path) -> None:
    options = ("--preprocess", "unit", "--method", "misure", "--route", "torch", "--json")
    outcome = started("explain", small_network, picture, *options, prelude=WITHOUT_TORCH)
    outcome.assert_refused("torch is not installed: pip install 'misure-onnx[torch]'", "sufficient_region, rise")


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
