"""Operators that ONNX Runtime computes slower than what they can be written as: six to nine times."""

from collections.abc import Mapping

import onnx
from onnx import helper

from misure_onnx.gradients.onnx_gradient.values import Value
from misure_onnx.graph.writer import GraphWriter


def split_slow_operators(graph: onnx.GraphProto, values: Mapping[str, Value], opset: int) -> None:
    """PRelu, and Softmax along another axis than the last, in parts; the graph is changed, its names stay.

    PRelu becomes relu(x) + slope * (x - relu(x)), which is exact on both sides of 0.

    Args:
        graph: with static shapes.
        values: of all its tensors.
        opset: of the graph.
    """
    write = GraphWriter(opset, values.keys(), prefix="in_parts")
    for node in graph.node:
        parts = _parts(write, node, values) if node.domain in ("", "ai.onnx") else None
        if parts is None:
            write.nodes.append(node)
        else:
            operator, inputs = parts
            write.nodes.append(helper.make_node(operator, inputs, list(node.output), name=node.name))
    del graph.node[:]
    graph.node.extend(write.nodes)
    graph.initializer.extend(write.constants)


def _parts(write: GraphWriter, node: onnx.NodeProto, values: Mapping[str, Value]) -> tuple[str, list[str]] | None:
    """The last operator and what it reads, after all before it were written; None: the node stays."""
    if node.op_type == "PRelu":
        x, slope = node.input
        above = write.node("Relu", x)
        return "Add", [above, write.multiply(write.subtract(x, above), slope)]
    if node.op_type == "Softmax":
        x, rank = node.input[0], len(values[node.input[0]].shape)
        axis = next((attribute.i for attribute in node.attribute if attribute.name == "axis"), -1) % rank
        if axis != rank - 1:
            raised = write.node("Exp", write.subtract(x, write.maximum(x, axis)))
            return "Div", [raised, write.sum(raised, [axis])]
    return None
