"""Which layers are candidates, which one is the default, and what a name may mean."""

from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import helper

from misure_onnx.api import load_segmenter
from misure_onnx.errors import ParameterError
from misure_onnx.graph.graph_backed import graph_of
from misure_onnx.graph.layer_axes import axes_of_tensors
from misure_onnx.graph.layer_choice import choose_layer, list_layers
from misure_onnx.graph.layers import Layer
from misure_onnx.images import load_image
from tests.shared_data import shared_data
from tests.tiny_models import (
    SIZE,
    Array,
    noise_image,
    of_tokens,
    pointwise,
    save_model,
    small_network,
    small_u_net,
    uniform,
)

HEIGHT, WIDTH = SIZE


def choice(path: Path, name: str = "") -> tuple[Layer, str]:
    segmenter = load_segmenter(path, "unit")
    found = choose_layer(graph_of(segmenter), segmenter.prepare(load_image(noise_image())), name)
    return found.layer, found.reason


def names(path: Path) -> list[str]:
    segmenter = load_segmenter(path, "unit")
    candidates, _ = list_layers(graph_of(segmenter), segmenter.prepare(load_image(noise_image())))
    return [layer.name for layer in candidates]


def test_candidates_are_feature_maps_as_their_activation_leaves_them(tmp_path: Path) -> None:
    """Not `c1` (its Relu is listed), not the 1x1 squeeze, not what nobody reads, not the scores."""
    found = names(small_u_net(tmp_path / "net.onnx"))
    assert found == ["full", "half", "quarter", "weighed", "bottleneck", "grown", "joined"]


def test_the_default_is_the_deepest_activation_of_the_smallest_size_and_says_so(tmp_path: Path) -> None:
    layer, reason = choice(small_u_net(tmp_path / "net.onnx"))
    assert layer == Layer("bottleneck", "Relu", "NCHW", 8, (HEIGHT // 4, WIDTH // 4))
    assert "'bottleneck' (Relu, 8 channels, 5x6) was taken: the deepest activation of the smallest size" in reason


def test_a_network_of_one_size_gives_the_activation_before_its_last_weights(tmp_path: Path) -> None:
    assert choice(small_network(tmp_path / "net.onnx"))[0].name == "active"


def test_a_graph_without_weights_still_has_layers(tmp_path: Path) -> None:
    assert choice(uniform(tmp_path / "net.onnx"))[0].name == "nothing"


def test_channels_last_is_followed_through_transposes(tmp_path: Path) -> None:
    model = onnx.load(pointwise(tmp_path / "net.onnx", input_layout="NHWC", output_layout="NHWC"))
    axes = axes_of_tensors(model, "image", "NHWC")
    assert axes["image"] == axes["pixels"] == axes["placed"] == "NHWC"
    assert axes["planes"] == axes["logits"] == "NCHW"


def test_a_layer_may_be_named_whether_it_is_a_candidate_or_not(tmp_path: Path) -> None:
    layer, reason = choice(small_u_net(tmp_path / "net.onnx"), "c2")
    assert (layer.name, layer.channels, layer.size, reason) == ("c2", 6, (10, 12), "")


@pytest.mark.parametrize("name", ["bottle", "unused", "scores", "image", "w1"])
def test_what_does_not_lie_between_image_and_scores_is_refused_with_the_nearest_names(
    tmp_path: Path, name: str
) -> None:
    with pytest.raises(ParameterError, match="no tensor between the image and the scores") as refused:
        choice(small_u_net(tmp_path / "net.onnx"), name)
    assert "did you mean bottleneck" in str(refused.value) or name != "bottle"


def test_tokens_that_lie_on_a_grid_are_feature_maps(tmp_path: Path) -> None:
    layer, _ = choice(of_tokens(tmp_path / "net.onnx"), "mixed")
    assert (layer.axes, layer.channels, layer.size) == ("NTD", 7, (5, 6))
    values = np.arange(30 * 7, dtype=np.float32).reshape(1, 30, 7)
    planes = layer.planes(values)
    assert planes.shape == (1, 7, 5, 6)
    assert planes[0, 3, 2, 4] == values[0, 2 * 6 + 4, 3]
    np.testing.assert_array_equal(layer.values(planes), values)


def test_tokens_that_are_no_grid_are_refused_and_a_class_token_is_named(tmp_path: Path) -> None:
    with pytest.raises(ParameterError, match=r"31 tokens are no grid of the image 20x24 \(one more than a grid"):
        choice(of_tokens(tmp_path / "net.onnx", class_token=True), "mixed")


def test_a_tensor_of_another_shape_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ParameterError, match=r"'rows' has shape \[1, 7, 30\]"):
        choice(of_tokens(tmp_path / "net.onnx"), "rows")
    with pytest.raises(ParameterError, match="expected feature maps"):
        choice(small_network_with_an_odd_reshape(tmp_path / "odd.onnx"), "odd")


def small_network_with_an_odd_reshape(path: Path) -> Path:
    nodes = [
        helper.make_node("Reshape", ["image", "odd_shape"], ["odd"]),
        helper.make_node("Reshape", ["odd", "back"], ["again"]),
        helper.make_node("Conv", ["again", "w"], ["scores"]),
    ]
    constants: dict[str, Array] = {
        "odd_shape": np.array([1, HEIGHT, 3, WIDTH], np.int64),
        "back": np.array([1, 3, HEIGHT, WIDTH], np.int64),
        "w": np.ones((2, 3, 1, 1), np.float32),
    }
    return save_model(path, nodes, input_shape=[1, 3, *SIZE], constants=constants)


@pytest.mark.parametrize(
    ("model", "expected"),
    [
        ("deeplabv3_mnv2_voc_257_nchw", ("Relu", 256, (33, 33))),  # what the spatial pyramid is projected to
        ("retina_unet_drive_256", ("Relu", 128, (64, 64))),
    ],
)
def test_the_default_of_real_models_is_their_bottleneck(model: str, expected: tuple[object, ...]) -> None:
    path = shared_data() / "models" / f"{model}.onnx"
    segmenter = load_segmenter(path, "unit")
    _, chosen = list_layers(graph_of(segmenter), segmenter.prepare(load_image(noise_image((256, 256)))))
    assert chosen is not None
    assert (chosen.layer.operator, chosen.layer.channels, chosen.layer.size) == expected
