"""Telling the user where a gradient cannot see."""

import onnx

from misure_onnx.gradients.score_tensor import score_tensor
from misure_onnx.graph.graph_backed import GraphBacked, graph_of
from misure_onnx.graph.hard_gates import hard_gates
from misure_onnx.graph.load import load_structure
from misure_onnx.segmenter import Segmenter

_NAMED = 3


def gate_notes(segmenter: Segmenter) -> tuple[str, ...]:
    """One sentence where decisions by image-dependent values lie on the way to the scores, else nothing.

    Raises:
        GradientError: the segmenter is no ONNX file, or nothing differentiable precedes its label map.
    """
    deployed = graph_of(segmenter)
    return deployed.derived.once("gate notes", None, lambda: _notes(deployed))


def _notes(deployed: GraphBacked) -> tuple[str, ...]:
    model = load_structure(deployed.path)
    gates = hard_gates(model, deployed.input.name, score_tensor(model, deployed.output).name)
    if not gates:
        return ()
    named = ", ".join(_described(node) for node in gates[:_NAMED])
    more = f" and {len(gates) - _NAMED} more" if len(gates) > _NAMED else ""
    note = (
        f"the model decides by image-dependent values at {named}{more}: its answer can jump there, and a gradient "
        "ignores it; misure's --route search and methods that need forwards only see it"
    )
    return (note,)


def _described(node: onnx.NodeProto) -> str:
    return f"{node.op_type} {node.name or node.output[0]!r}"
