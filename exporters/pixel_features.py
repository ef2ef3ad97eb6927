"""Features of pixels, as an ONNX graph that trains and deploys alike: a classifier sees the same numbers in both."""

from collections.abc import Sequence
from functools import lru_cache

import numpy as np
import numpy.typing as npt
import onnx
import onnxruntime as ort
from onnx import TensorProto, compose, helper

from misure_onnx.errors import InputError
from misure_onnx.types import FloatArray, Images

OPSET, ML_OPSET, IR_VERSION = 17, 3, 8


def pixel_features(images: Images, windows: Sequence[int]) -> FloatArray:
    """A row a pixel: its channels, and their means over square windows around it.

    Args:
        images: network input (N, C, H, W) float32.
        windows: sides of the windows, odd; pixels outside the image do not count.

    Returns:
        (N * H * W, C * (1 + windows)) float32: the channels, then each window's means.
    """
    session = _session(images.shape[1], tuple(windows))
    return np.asarray(session.run(None, {"image": np.ascontiguousarray(images, np.float32)})[0], np.float32)


def feature_nodes(channels: int, windows: Sequence[int], table: str) -> list[onnx.NodeProto]:
    """Nodes from `image` to the table of `pixel_features`.

    Raises:
        InputError: a window is no odd number above 1.
    """
    if not all(isinstance(side, int) and side > 1 and side % 2 for side in windows):
        raise InputError(f"windows must be odd numbers above 1, as windows=5,11; got {list(windows)}")
    names = [f"means_{side}" for side in windows]
    pools = [
        helper.make_node(
            "AveragePool", ["image"], [name], kernel_shape=[side] * 2, pads=[side // 2] * 4, count_include_pad=0
        )
        for name, side in zip(names, windows, strict=True)
    ]
    return [
        *pools,
        helper.make_node("Concat", ["image", *names], ["features"], axis=1),
        helper.make_node("Transpose", ["features"], ["features_last"], perm=[0, 2, 3, 1]),
        helper.make_node("Constant", [], ["as_table"], value_ints=[-1, channels * (1 + len(windows))]),
        helper.make_node("Reshape", ["features_last", "as_table"], [table]),
    ]


def per_pixel(classifier: onnx.ModelProto, channels: int, windows: Sequence[int], classes: int) -> onnx.ModelProto:
    """A classifier of rows (two outputs: label, probabilities) as a network (N, C, H, W) -> (N, classes, H, W)."""
    classifier = compose.add_prefix(classifier, "classifier_")
    (table,), (_, probabilities) = classifier.graph.input, classifier.graph.output
    nodes = [
        *feature_nodes(channels, windows, table.name),
        *classifier.graph.node,
        helper.make_node("Shape", ["image"], ["extents"]),
        helper.make_node("Constant", [], ["of_pixels"], value_ints=[0, 2, 3]),
        helper.make_node("Gather", ["extents", "of_pixels"], ["images_and_pixels"]),
        helper.make_node("Constant", [], ["classes"], value_ints=[classes]),
        helper.make_node("Concat", ["images_and_pixels", "classes"], ["as_images"], axis=0),
        helper.make_node("Reshape", [probabilities.name, "as_images"], ["classes_last"]),
        helper.make_node("Transpose", ["classes_last"], ["scores"], perm=[0, 3, 1, 2]),
    ]
    return _model(nodes, channels, ["N", classes, "H", "W"], list(classifier.graph.initializer))


@lru_cache(maxsize=8)
def _session(channels: int, windows: tuple[int, ...]) -> ort.InferenceSession:
    model = _model(feature_nodes(channels, windows, "scores"), channels, ["P", channels * (1 + len(windows))], [])
    return ort.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])


def _model(
    nodes: list[onnx.NodeProto], channels: int, result: list[int | str], weights: list[onnx.TensorProto]
) -> onnx.ModelProto:
    graph = helper.make_graph(
        nodes,
        "pixels",
        [helper.make_tensor_value_info("image", TensorProto.FLOAT, ["N", channels, "H", "W"])],
        [helper.make_tensor_value_info("scores", TensorProto.FLOAT, result)],
        weights,
    )
    opsets = [helper.make_opsetid("", OPSET), helper.make_opsetid("ai.onnx.ml", ML_OPSET)]
    return helper.make_model(graph, opset_imports=opsets, ir_version=IR_VERSION)


def labelled_scene(seed: int, classes: int, channels: int, side: int = 48) -> tuple[Images, npt.NDArray[np.int64]]:
    """Noisy discs, one brightness a class: an image (1, C, side, side) in [0, 1], and labels (side, side)."""
    rng = np.random.default_rng(seed)
    rows, columns = np.mgrid[:side, :side]
    labels = np.zeros((side, side), np.int64)
    for label in range(1, classes):
        y, x = rng.uniform(0.2, 0.8, 2) * side
        labels[(rows - y) ** 2 + (columns - x) ** 2 < (0.22 * side) ** 2] = label
    brightness = np.linspace(0.1, 0.9, classes)[labels]
    image = brightness + rng.normal(0, 0.08, (channels, side, side))
    return np.asarray(np.clip(image, 0, 1)[None], np.float32), labels
