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

Constants = dict[str, npt.NDArray[Any]]


def write_score_model(segmenter: OnnxRuntimeSegmenter, target: ResolvedTarget, path: Path) -> None:
    """A file image (N, C, H, W) -> score (N, 2): the Dice of the object within its domain, and one minus it.

    For images of either layout and scores at the image's size, as the library reads them but for ties. A batch that the
    model fixes stays fixed.

    Raises:
        ValueError: the scores are flattened, or labels.
    """
    model = load_with_weights(segmenter.path)
    domain, region = target.domain.astype(np.float32), (target.region & target.domain).astype(np.float32)
    belongs, constants = _membership(segmenter, target.class_index)
    constants |= {
        "score_domain": domain[None, None],
        "score_region": region[None, None],
        "score_share": np.array(region.mean(), np.float32),
        "score_two": np.array(2, np.float32),
        "score_one": np.array(1, np.float32),
    }
    nodes = [  # none of them changed its inputs or attributes between opsets
        *belongs,
        helper.make_node("Cast", ["score_is"], ["score_found_all"], to=TensorProto.FLOAT),
        helper.make_node("Mul", ["score_found_all", "score_domain"], ["score_found"]),
        helper.make_node("Mul", ["score_found", "score_region"], ["score_both"]),
        helper.make_node("GlobalAveragePool", ["score_found"], ["score_size"]),
        helper.make_node("GlobalAveragePool", ["score_both"], ["score_common"]),
        helper.make_node("Add", ["score_size", "score_share"], ["score_total"]),
        helper.make_node("Mul", ["score_common", "score_two"], ["score_twice"]),
        helper.make_node("Div", ["score_twice", "score_total"], ["score_cells"]),
        helper.make_node("Flatten", ["score_cells"], ["score_dice"], axis=1),
        helper.make_node("Sub", ["score_one", "score_dice"], ["score_rest"]),
        helper.make_node("Concat", ["score_dice", "score_rest"], ["score"], axis=1),
    ]
    graph = model.graph
    _take_images(graph, segmenter)
    graph.initializer.extend(numpy_helper.from_array(array, name) for name, array in constants.items())
    graph.node.extend(nodes)
    batch, (height, width) = segmenter.input.batch or "N", target.region.shape
    shape = [batch, segmenter.spec.channels, height, width]
    del graph.input[:], graph.output[:], graph.value_info[:]
    graph.input.append(helper.make_tensor_value_info("image", TensorProto.FLOAT, shape))
    graph.output.append(helper.make_tensor_value_info("score", TensorProto.FLOAT, [batch, 2]))
    onnx.save(model, path)


def _take_images(graph: onnx.GraphProto, segmenter: OnnxRuntimeSegmenter) -> None:
    """Puts what brings (N, C, H, W) to the model's own input in front of it."""
    own = segmenter.input
    if own.layout == "NHWC":
        graph.node.insert(0, helper.make_node("Transpose", ["image"], [own.name], perm=[0, 2, 3, 1]))
    elif own.name != "image":
        graph.node.insert(0, helper.make_node("Identity", ["image"], [own.name]))


def _membership(segmenter: OnnxRuntimeSegmenter, class_index: int) -> tuple[list[onnx.NodeProto], Constants]:
    """Nodes to `score_is` (N, 1, H, W), where the class is predicted, and what they need."""
    output, head = segmenter.output, segmenter.spec.head
    if output.layout not in ("NCHW", "NHWC") or head.kind == "labels":
        raise ValueError(f"scores are needed pixel by pixel, got {head.kind} as {output.layout}")
    scores, nodes = output.name, list[onnx.NodeProto]()
    if output.layout == "NHWC":
        nodes, scores = [helper.make_node("Transpose", [scores], ["score_planes"], perm=[0, 3, 1, 2])], "score_planes"
    constants: Constants = {"score_class": np.array([class_index], np.int64)}
    if head.exclusive:
        nodes += [
            helper.make_node("ArgMax", [scores], ["score_labels"], axis=1, keepdims=1),
            helper.make_node("Equal", ["score_labels", "score_class"], ["score_is"]),
        ]
        return nodes, constants
    constants["score_threshold"] = np.array(head.score_threshold, np.float32)
    nodes += [
        helper.make_node("Gather", [scores, "score_class"], ["score_own"], axis=1),
        helper.make_node("Greater", ["score_own", "score_threshold"], ["score_is"]),
    ]
    return nodes, constants
