"""Head and tail: what crosses, and that both together are the whole."""

from pathlib import Path

import numpy as np
import onnx
import onnxruntime as ort
import pytest
from onnx import helper

from misure_onnx.errors import ParameterError
from misure_onnx.graph.cut import cut_at, typed_tail
from misure_onnx.types import AnyArray
from tests.tiny_models import SIZE, save_model, small_u_net

X = np.random.default_rng(0).random((2, 3, *SIZE), np.float32)


def run(model: onnx.ModelProto, names: list[str], feeds: dict[str, AnyArray]) -> list[AnyArray]:
    session = ort.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    return list(session.run(names, feeds))


def parts(model: onnx.ModelProto, layer: str, x: AnyArray) -> tuple[tuple[str, ...], AnyArray]:
    """What crosses, and what the tail makes of what the head makes of x."""
    cut = cut_at(model, layer, "image", "scores")
    made = [name for name in cut.crossing if name != "image"]
    values = {"image": x, **dict(zip(made, run(cut.head, made, {"image": x}), strict=True))}
    crossing = {name: values[name] for name in cut.crossing}
    (scores,) = run(typed_tail(cut, list(crossing.values())), ["scores"], crossing)
    return cut.crossing, scores


@pytest.mark.parametrize(
    ("layer", "crossing"),
    [
        ("full", {"full"}),
        ("half", {"half", "full"}),
        ("quarter", {"quarter", "full"}),
        ("weighed", {"weighed", "full"}),
        ("bottleneck", {"bottleneck", "full"}),
        ("excited", {"excited", "quarter", "full"}),
        ("grown", {"grown", "full"}),
        ("joined", {"joined"}),
        ("logits", {"logits"}),
    ],
)
def test_skips_around_the_layer_cross_with_it_and_both_parts_are_the_whole(
    tmp_path: Path, layer: str, crossing: set[str]
) -> None:
    model = onnx.load(small_u_net(tmp_path / "net.onnx"))
    crossed, scores = parts(model, layer, X)
    assert crossed[0] == layer
    assert set(crossed) == crossing
    np.testing.assert_allclose(scores, run(model, ["scores"], {"image": X})[0], rtol=1e-5, atol=1e-6)


def test_the_parts_hold_only_what_they_need_and_the_model_is_not_changed(tmp_path: Path) -> None:
    model = onnx.load(small_u_net(tmp_path / "net.onnx"))
    before = model.SerializeToString()
    cut = cut_at(model, "bottleneck", "image", "scores")
    assert {tensor.name for tensor in cut.head.graph.initializer} == {"w1", "w2", "w3", "w4", "w6"}
    assert {tensor.name for tensor in cut.tail.graph.initializer} == {"up", "w5"}
    assert not {"unused", "joined"} & {name for node in cut.head.graph.node for name in node.output}
    assert model.SerializeToString() == before


def with_shapes(path: Path) -> Path:
    """The image itself and a Constant cross, and the layer's own shape steers a Reshape behind it."""
    nodes = [
        helper.make_node("Relu", ["image"], ["layer"]),
        helper.make_node("Constant", [], ["half"], value_float=0.5),
        helper.make_node("Mul", ["layer", "half"], ["halved"]),
        helper.make_node("Shape", ["layer"], ["shape"]),
        helper.make_node("Reshape", ["halved", "flat"], ["row"]),
        helper.make_node("Reshape", ["row", "shape"], ["again"]),
        helper.make_node("Add", ["again", "image"], ["scores"]),
    ]
    return save_model(path, nodes, input_shape=["N", 3, *SIZE], constants={"flat": np.array([-1], np.int64)})


def test_the_image_may_cross_and_shapes_of_the_layer_follow_it(tmp_path: Path) -> None:
    """A shape computed in the head would be that of one image for ever."""
    model = onnx.load(with_shapes(tmp_path / "net.onnx"))
    for x in (X[:1], X):
        crossed, scores = parts(model, "layer", x)
        assert set(crossed) == {"layer", "image"}
        np.testing.assert_allclose(scores, np.maximum(x, 0) / 2 + x, rtol=1e-6)


@pytest.mark.parametrize("layer", ["image", "scores", "unused", "nowhere", "w1"])
def test_what_does_not_lie_between_the_ends_is_refused(tmp_path: Path, layer: str) -> None:
    model = onnx.load(small_u_net(tmp_path / "net.onnx"))
    with pytest.raises(ParameterError, match="does not lie between 'image' and 'scores'"):
        cut_at(model, layer, "image", "scores")
