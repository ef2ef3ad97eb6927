"""A tensor inside a graph, opened: whatever is fed to the probe is added to it, for all who read it."""

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import onnx
from onnx import helper


def probed(
    model: onnx.ModelProto, layer: str, shape: Sequence[int | None], dtype: np.dtype[Any]
) -> tuple[onnx.ModelProto, str]:
    """A copy in which a layer is read as layer + probe.

    With zeros fed to the probe nothing changes, and d(anything)/d(probe) is d(anything)/d(layer) along every path that
    starts at the layer. An optimiser that merges or moves nodes around the layer cannot lose a path.

    Args:
        model: with or without its weights.
        layer: any tensor that a node of the graph makes.
        shape: of the layer; None where it is free.
        dtype: of the layer.

    Returns:
        The copy, and the name of its further input.
    """
    copy = onnx.ModelProto()
    copy.CopyFrom(model)
    taken = {name for node in copy.graph.node for name in (*node.input, *node.output)}
    probe, read = "opened/probe", "opened/read"
    while {probe, read} & taken:
        probe, read = probe + "_", read + "_"
    _read_instead(copy.graph.node, layer, read)
    place = next(k for k, node in enumerate(copy.graph.node) if layer in node.output)
    copy.graph.node.insert(place + 1, helper.make_node("Add", [layer, probe], [read], name=read))
    element_type = helper.np_dtype_to_tensor_dtype(dtype)
    copy.graph.input.append(helper.make_tensor_value_info(probe, element_type, shape))
    return copy, probe


def _read_instead(nodes: Iterable[onnx.NodeProto], old: str, new: str) -> None:
    """Renames what nodes read, those too inside the branches of If and the bodies of Loop and Scan."""
    for node in nodes:
        for k, name in enumerate(node.input):
            if name == old:
                node.input[k] = new
        for attribute in node.attribute:
            for graph in (attribute.g, *attribute.graphs):
                _read_instead(graph.node, old, new)
