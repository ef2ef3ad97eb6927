"""A random forest that classifies every pixel, as scikit-learn trains it and skl2onnx exports it."""

from pathlib import Path
from typing import Literal

import numpy as np
import numpy.typing as npt
import onnx
from onnx import helper, numpy_helper
from skl2onnx import to_onnx
from sklearn.ensemble import RandomForestClassifier

SIZE = (36, 44)
WINDOW = 5
"""A pixel's features: its channels, and their means over a window of so many pixels a side."""


def scene(seed: int) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.int64]]:
    """A bright noisy rectangle on a dark noisy ground, with single bright pixels strewn over: image and labels."""
    rng = np.random.default_rng(seed)
    labels = np.zeros(SIZE, np.int64)
    top, left = rng.integers(4, 12, 2)
    labels[top : top + 18, left : left + 22] = 1
    brightness = np.where((labels == 1) | (rng.random(SIZE) < 0.1), 190, 60)
    return np.asarray(np.clip(brightness[..., None] + rng.normal(0, 25, (*SIZE, 3)), 0, 255), np.uint8), labels


def export_forest(path: Path, ending: Literal["probabilities", "labels"]) -> Path:
    """Trains on three scenes; the file takes (N, 3, H, W) in [0, 1] and gives (N, 2, H, W), or labels (N, H, W)."""
    scenes = [scene(seed) for seed in range(3)]
    features = np.concatenate([_features(image) for image, _ in scenes])
    labels = np.concatenate([truth.ravel() for _, truth in scenes])
    forest = RandomForestClassifier(12, max_depth=6, random_state=0).fit(features, labels)
    exported = to_onnx(forest, features[:1], options={"zipmap": False}, target_opset={"": 17, "ai.onnx.ml": 3})
    onnx.save(_per_pixel(exported, ending), path)
    return path


def _features(image: npt.NDArray[np.uint8]) -> npt.NDArray[np.float32]:
    """(H * W, 6), as the exported graph computes them."""
    x = image.astype(np.float32) / 255
    reach = WINDOW // 2
    padded = np.pad(x, ((reach, reach), (reach, reach), (0, 0)))
    windows = np.lib.stride_tricks.sliding_window_view(padded, (WINDOW, WINDOW), axis=(0, 1))
    return np.concatenate([x, windows.mean(axis=(3, 4))], axis=2).reshape(-1, 6)


def _per_pixel(forest: onnx.ModelProto, ending: str) -> onnx.ModelProto:
    """The tree ensemble between the nodes that make a table of the pixels' features, and an image of its answers."""
    (table,), (label, probabilities) = forest.graph.input, forest.graph.output
    pads = [WINDOW // 2] * 4
    nodes = [
        helper.make_node(
            "AveragePool", ["image"], ["means"], kernel_shape=[WINDOW] * 2, pads=pads, count_include_pad=1
        ),
        helper.make_node("Concat", ["image", "means"], ["features"], axis=1),
        helper.make_node("Transpose", ["features"], ["last"], perm=[0, 2, 3, 1]),
        helper.make_node("Reshape", ["last", "as_table"], [table.name]),
        *forest.graph.node,
    ]
    shapes = {"as_table": [-1, 6], "as_images": [-1, *SIZE, 2], "as_map": [-1, *SIZE]}
    if ending == "labels":
        nodes.append(helper.make_node("Reshape", [label.name, "as_map"], ["scores"]))
    else:
        nodes.append(helper.make_node("Reshape", [probabilities.name, "as_images"], ["by_pixel"]))
        nodes.append(helper.make_node("Transpose", ["by_pixel"], ["scores"], perm=[0, 3, 1, 2]))
    element = onnx.TensorProto.INT64 if ending == "labels" else onnx.TensorProto.FLOAT
    graph = helper.make_graph(
        nodes,
        "pixel_forest",
        [helper.make_tensor_value_info("image", onnx.TensorProto.FLOAT, ["N", 3, *SIZE])],
        [helper.make_tensor_value_info("scores", element, None)],
        [*forest.graph.initializer, *(numpy_helper.from_array(np.array(v, np.int64), k) for k, v in shapes.items())],
    )
    opsets = [helper.make_opsetid("", 17), helper.make_opsetid("ai.onnx.ml", 3)]
    return helper.make_model(graph, opset_imports=opsets, ir_version=8)
