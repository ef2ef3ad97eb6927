"""How a graph ends: walk back from an output to the operator that decides what its numbers mean."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import onnx

EndingKind = Literal["argmax", "threshold", "softmax", "sigmoid", "open"]

_PASS_THROUGH = frozenset({"Identity", "Cast", "Squeeze", "Unsqueeze", "Reshape", "Flatten", "Transpose", "Dropout"})
_COMPARISONS = frozenset({"Greater", "GreaterOrEqual", "Less", "LessOrEqual"})


@dataclass(frozen=True)
class Ending:
    """The last deciding operator before an output.

    Attributes:
        kind: argmax, threshold (a comparison with a constant), softmax, sigmoid, or open (none of these).
        scores: name of the last differentiable tensor: what argmax or the comparison reads, else the
            softmax's or sigmoid's result, else the output itself.
        axis: the class axis of argmax or softmax, as written in the file.
    """

    kind: EndingKind
    scores: str
    axis: int | None = None


def find_ending(model: onnx.ModelProto, output: str) -> Ending:
    """Walks back from `output` through operators that only move or retype values."""
    producers = {name: node for node in model.graph.node for name in node.output}
    constants = {tensor.name for tensor in model.graph.initializer}
    constants |= {node.output[0] for node in model.graph.node if node.op_type == "Constant"}
    name = output
    while name in producers and producers[name].op_type in _PASS_THROUGH:
        name = producers[name].input[0]
    node = producers.get(name)
    return _ending_at(node, name, constants) if node else Ending("open", output)


def _ending_at(node: onnx.NodeProto, name: str, constants: set[str]) -> Ending:
    if node.op_type == "ArgMax":
        return Ending("argmax", node.input[0], _axis(node, 0))
    if node.op_type == "TopK" and name == node.output[1]:
        return Ending("argmax", node.input[0], _axis(node, -1))
    if node.op_type in _COMPARISONS and (set(node.input) & constants):
        return Ending("threshold", next(i for i in node.input if i not in constants))
    if node.op_type == "Round":
        return Ending("threshold", node.input[0])
    if node.op_type == "Softmax":
        return Ending("softmax", name, _axis(node, -1))
    if node.op_type in ("Sigmoid", "HardSigmoid"):
        return Ending("sigmoid", name)
    return Ending("open", name)


def _axis(node: onnx.NodeProto, default: int) -> int:
    return next((attribute.i for attribute in node.attribute if attribute.name == "axis"), default)


def first_operator_on(model: onnx.ModelProto, tensor: str, skip: frozenset[str]) -> onnx.NodeProto | None:
    """The first node that reads `tensor`, following single-input operators in `skip`."""
    consumers: Mapping[str, list[onnx.NodeProto]] = _consumers(model)
    while True:
        readers = consumers.get(tensor, [])
        if not readers:
            return None
        if readers[0].op_type not in skip:
            return readers[0]
        tensor = readers[0].output[0]


def _consumers(model: onnx.ModelProto) -> dict[str, list[onnx.NodeProto]]:
    consumers: dict[str, list[onnx.NodeProto]] = {}
    for node in model.graph.node:
        for name in node.input:
            consumers.setdefault(name, []).append(node)
    return consumers
