"""`--untrusted`: what a model of strangers can do to the machine, and what it is told."""

import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

from misure_onnx.errors import ModelError
from misure_onnx.graph import untrusted
from misure_onnx.graph.untrusted import check_untrusted
from tests import tiny_models
from tests.cli.bad_models import external
from tests.cli.outcome import Run
from tests.cli.process import started

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="limits of processes are Linux's")

Node = helper.make_node


def _saved(path: Path, nodes: list[onnx.NodeProto], constants: Mapping[str, Any]) -> Path:
    return tiny_models.save_model(path, nodes, input_shape=["N", 3, *tiny_models.SIZE], constants=constants)


def greedy(path: Path) -> Path:
    """A few hundred bytes that ask for 74 GiB, and add their mean, which is 0, to the image."""
    nodes = [
        Node("ConstantOfShape", ["shape"], ["huge"]),
        Node("ReduceMean", ["huge"], ["mean"], keepdims=0),
        Node("Add", ["image", "mean"], ["scores"]),
    ]
    return _saved(path, nodes, {"shape": np.array([20_000, 1_000_000], np.int64)})


def endless(path: Path) -> Path:
    """A loop that never ends, and would give the image."""
    body = helper.make_graph(
        [Node("Identity", ["go_on"], ["still"]), Node("Identity", ["state"], ["next"])],
        "body",
        [
            helper.make_tensor_value_info("round", TensorProto.INT64, []),
            helper.make_tensor_value_info("go_on", TensorProto.BOOL, []),
            helper.make_tensor_value_info("state", TensorProto.FLOAT, None),
        ],
        [
            helper.make_tensor_value_info("still", TensorProto.BOOL, []),
            helper.make_tensor_value_info("next", TensorProto.FLOAT, None),
        ],
    )
    nodes = [Node("Loop", ["", "true", "image"], ["scores"], body=body)]
    return _saved(path, nodes, {"true": np.array(True)})


def test_the_answer_is_that_of_the_plain_command(tmp_path: Path, picture: Path) -> None:
    model = tiny_models.small_network(tmp_path / "model.onnx")
    asked = ("explain", model, picture, "--class", "1", "--method", "predicted_mask", "--json")
    plain, confined = started(*asked).document(), started(*asked, "--untrusted").document()
    assert plain["metrics"] == confined["metrics"]


def test_a_model_that_asks_for_74_gib_is_told_so(tmp_path: Path, picture: Path) -> None:
    asked = ("explain", greedy(tmp_path / "model.onnx"), picture, "--class", "1")
    started(*asked, "--untrusted", "--memory-limit", "4").assert_refused("allocate memory", "80000000000")


def test_a_model_that_never_ends_is_stopped(tmp_path: Path) -> None:
    asked = ("inspect", endless(tmp_path / "model.onnx"))
    started(*asked, "--untrusted", "--time-limit", "15").assert_refused("stopped after 15 seconds", "--time-limit")


def test_weights_in_other_files_are_not_read(tmp_path: Path, picture: Path) -> None:
    asked = ("explain", external(tmp_path), picture, "--class", "1", "--method", "predicted_mask")
    assert started(*asked).status == 0
    started(*asked, "--untrusted").assert_refused("keeps weights in other files", "with its weights inside")


def _context(path: Path) -> Path:
    nodes = [Node("EPContext", ["image"], ["scores"], domain="com.microsoft", ep_cache_context="/etc/passwd")]
    return _saved(path, nodes, {})


def _many_nodes(path: Path) -> Path:
    nodes = [Node("Relu", [f"x{k}" if k else "image"], [f"x{k + 1}"]) for k in range(12)]
    return _saved(path, [*nodes, Node("Relu", ["x12"], ["scores"])], {})


@pytest.mark.parametrize(("build", "word"), [(_context, "compiled for one device"), (_many_nodes, "13 nodes")])
def test_what_the_file_gives_away_is_refused_before_it_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, build: Callable[[Path], Path], word: str
) -> None:
    monkeypatch.setattr(untrusted, "MOST_NODES", 12)
    with pytest.raises(ModelError, match=word):
        check_untrusted(build(tmp_path / "model.onnx"))


def test_a_file_that_is_too_large_is_not_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    model = tiny_models.small_network(tmp_path / "model.onnx")
    check_untrusted(model)
    monkeypatch.setattr(untrusted, "MOST_BYTES", 100)
    with pytest.raises(ModelError, match="of untrusted models 100 are read"):
        check_untrusted(model)


def test_limits_that_cannot_be_kept_are_refused(misure: Run, tmp_path: Path, picture: Path) -> None:
    asked = ("explain", tiny_models.small_network(tmp_path / "m.onnx"), picture, "--untrusted")
    misure(*asked, "--provider", "cuda").assert_refused("runs on the CPU", "--provider cuda")
    misure(*asked, "--memory-limit", "0").assert_refused("above 0")
