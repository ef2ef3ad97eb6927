"""An operator without a rule or a torch function: node, operator, opset and what remains are named."""

from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import helper

from misure_onnx.errors import GradientError
from misure_onnx.gradients import GROUPS, mask_gradient
from misure_onnx.gradients.base import MaskProblem, PreservationLoss
from misure_onnx.inspection import inspect_model
from tests.methods.asked import task_on
from tests.tiny_models import Array, noise_image, save_model

SIZE = (24, 20)


def network_with(path: Path, between: list[onnx.NodeProto], *, opset: int = 13, **constants: Array) -> Path:
    """One convolution from `image` to `hidden`, the nodes given from there to `ready`, and one to the scores."""
    rng = np.random.default_rng(3)
    weights: dict[str, Array] = {
        "w1": rng.normal(0, 0.4, (3, 3, 3, 3)).astype(np.float32),
        "w2": rng.normal(0, 0.4, (4, 3, 3, 3)).astype(np.float32),
        **constants,
    }
    nodes = [
        helper.make_node("Conv", ["image", "w1"], ["hidden"], pads=[1, 1, 1, 1]),
        *between,
        helper.make_node("Conv", ["ready", "w2"], ["scores"], pads=[1, 1, 1, 1]),
    ]
    return save_model(path, nodes, input_shape=["N", 3, *SIZE], constants=weights, opset=opset)


def with_product(path: Path) -> Path:
    """ReduceProd: no rule, but a torch function."""
    nodes = [
        helper.make_node("ReduceProd", ["hidden"], ["product"], name="decoder/product", axes=[1], keepdims=1),
        helper.make_node("Add", ["hidden", "product"], ["ready"]),
    ]
    return network_with(path, nodes)


def with_regions(path: Path) -> Path:
    """RoiAlign over the whole image: neither."""
    nodes = [
        helper.make_node(
            "RoiAlign", ["hidden", "whole", "which"], ["ready"], name="head/align",
            output_height=SIZE[0], output_width=SIZE[1],
        )
    ]  # fmt: skip
    whole = np.array([[0, 0, SIZE[1], SIZE[0]]], np.float32)
    return network_with(path, nodes, whole=whole, which=np.zeros(1, np.int64))


def refusal_of(route: str, model: Path) -> str:
    task = task_on(model, noise_image(SIZE, 1))
    problem = MaskProblem(task.image, (np.zeros_like(task.image),), task.target, PreservationLoss())
    with pytest.raises(GradientError) as caught:
        mask_gradient(route, task.segmenter, problem)
    return str(caught.value)


def test_the_gradient_graph_names_node_operator_and_opset(tmp_path: Path) -> None:
    text = refusal_of("onnx_gradient", with_product(tmp_path / "product.onnx"))
    assert "no gradient rule for ReduceProd (1 node, first: 'decoder/product'), opset 17" in text
    assert "(the file's opset 13 was raised to 17 for the gradient)" in text
    assert "`misure methods`" in text


def test_the_bridge_names_node_operator_and_opset(tmp_path: Path) -> None:
    pytest.importorskip("torch", reason="torch is not installed")
    text = refusal_of("torch", with_regions(tmp_path / "regions.onnx"))
    assert "RoiAlign (opset 13; 1 node, first: 'head/align')" in text
    assert "use another gradient route" in text


def test_auto_names_the_node_for_every_route_and_what_remains(tmp_path: Path) -> None:
    pytest.importorskip("torch", reason="torch is not installed")
    text = refusal_of("auto", with_regions(tmp_path / "regions.onnx"))
    assert text.count("RoiAlign") == 2
    assert text.count("'head/align'") == 2
    for route in GROUPS["gradient"]:
        assert f"route {route}: " in text
    assert "`misure methods`" in text


def test_inspect_tells_the_route_that_remains_and_why_the_first_was_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("torch", reason="torch is not installed")
    monkeypatch.setitem(GROUPS, "auto", ("onnx_gradient", "torch"))
    found = inspect_model(with_product(tmp_path / "product.onnx"), "unit")["gradient"]
    assert found["route"] == "torch"
    (refused,) = found["refused"]
    assert "ReduceProd (1 node, first: 'decoder/product')" in refused


def test_inspect_says_why_there_is_no_route(tmp_path: Path) -> None:
    pytest.importorskip("torch", reason="torch is not installed")
    found = inspect_model(with_regions(tmp_path / "regions.onnx"), "unit")["gradient"]
    assert found["route"] is None
    assert found["reason"].count("'head/align'") == 2
