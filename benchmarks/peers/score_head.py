"""The score that every peer gets: the Dice of the object, computed behind the model in the same ONNX file."""

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
from onnx import TensorProto, helper, numpy_helper

from misure_onnx.backends.onnx_runtime import OnnxRuntimeSegmenter
from misure_onnx.graph.load import load_with_weights
from misure_onnx.target import ResolvedTarget


def write_score_model(segmenter: OnnxRuntimeSegmenter, target: ResolvedTarget, path: Path) -> None:
    """A file image (N, C, H, W) -> score (N, 2): the Dice of the object within its domain, and one minus it.

    For models of this layout with one class a pixel at the image's size, as the bundled one: argmax == class, as the
    library has it but for ties.
    """
    model = load_with_weights(segmenter.path)
    domain, region = target.domain.astype(np.float32), (target.region & target.domain).astype(np.float32)
    constants: dict[str, npt.NDArray[Any]] = {
        "score_class": np.array(target.class_index, np.int64),
        "score_domain": domain[None],
        "score_region": region[None],
        "score_pixels": np.array(region.sum(), np.float32),
        "score_two": np.array(2, np.float32),
        "score_one": np.array(1, np.float32),
        "score_axes": np.array([1, 2], np.int64),
        "score_column": np.array([1], np.int64),
    }
    nodes = [
        helper.make_node("ArgMax", [segmenter.output.name], ["score_labels"], axis=1, keepdims=0),
        helper.make_node("Equal", ["score_labels", "score_class"], ["score_is"]),
        helper.make_node("Cast", ["score_is"], ["score_found_all"], to=TensorProto.FLOAT),
        helper.make_node("Mul", ["score_found_all", "score_domain"], ["score_found"]),
        helper.make_node("Mul", ["score_found", "score_region"], ["score_both"]),
        helper.make_node("ReduceSum", ["score_found", "score_axes"], ["score_size"], keepdims=0),
        helper.make_node("ReduceSum", ["score_both", "score_axes"], ["score_common"], keepdims=0),
        helper.make_node("Add", ["score_size", "score_pixels"], ["score_total"]),
        helper.make_node("Mul", ["score_common", "score_two"], ["score_twice"]),
        helper.make_node("Div", ["score_twice", "score_total"], ["score_flat"]),
        helper.make_node("Unsqueeze", ["score_flat", "score_column"], ["score_dice"]),
        helper.make_node("Sub", ["score_one", "score_dice"], ["score_rest"]),
        helper.make_node("Concat", ["score_dice", "score_rest"], ["score"], axis=1),
    ]
    graph = model.graph
    graph.initializer.extend(numpy_helper.from_array(array, name) for name, array in constants.items())
    channels, (height, width) = segmenter.spec.channels, target.region.shape
    graph.node.extend(nodes)
    if segmenter.input.name != "image":
        graph.node.insert(0, helper.make_node("Identity", ["image"], [segmenter.input.name]))
    del graph.input[:], graph.output[:]
    graph.input.append(helper.make_tensor_value_info("image", TensorProto.FLOAT, ["N", channels, height, width]))
    graph.output.append(helper.make_tensor_value_info("score", TensorProto.FLOAT, ["N", 2]))
    onnx.save(model, path)
