"""The scores whose gradient is asked for: logits, where a graph that gives probabilities shows them."""

from dataclasses import dataclass, replace

import onnx
from onnx import helper

from misure_onnx.graph.ending import find_ending
from misure_onnx.graph.output_signature import OutputSignature
from misure_onnx.scores import Head

_LOGITS: dict[str, Head] = {"Softmax": Head("logits"), "Sigmoid": Head("sigmoid_logits")}


@dataclass(frozen=True, eq=False)
class LogitGraph:
    """A graph that gives logits, wherever its file has them.

    Attributes:
        model: the file's graph, its last Softmax or Sigmoid replaced by an Identity; nodes after it (a transpose, a
            reshape) still move the numbers as they did.
        output: the tensor that holds the scores; its head says what they are now.
        removed: Softmax or Sigmoid; None where the scores are differentiated as they come.
        note: what was done, a sentence; empty where the file gives logits.
    """

    model: onnx.ModelProto
    output: OutputSignature
    removed: str | None
    note: str


def logit_graph(model: onnx.ModelProto, output: OutputSignature) -> LogitGraph:
    """Cuts a final Softmax or Sigmoid off.

    Args:
        model: with or without its weights; it is not changed.
        output: the tensor that is explained, no label map (see `score_tensor`).
    """
    last = _last_node(model, output.name)
    if last is None or last.op_type not in _LOGITS:
        probabilities = output.head.kind in ("softmax", "sigmoid")
        note = (
            f"{output.name!r} holds probabilities and no Softmax or Sigmoid was found at its end: the gradient is that "
            "of probabilities, which is nearly zero where the model is sure"
        )
        return LogitGraph(model, output, None, note if probabilities else "")
    copy = onnx.ModelProto()
    copy.CopyFrom(model)
    own = next(node for node in copy.graph.node if last.output[0] in node.output)
    own.CopyFrom(helper.make_node("Identity", [last.input[0]], [last.output[0]], name=last.name))
    note = f"the gradient is that of the logits {last.input[0]!r} before the final {last.op_type}"
    head = replace(_LOGITS[last.op_type], threshold=output.head.threshold)
    return LogitGraph(copy, replace(output, head=head), last.op_type, note)


def _last_node(model: onnx.ModelProto, output: str) -> onnx.NodeProto | None:
    """The node that decides what the output's numbers mean."""
    ending = find_ending(model, output)
    return next((node for node in model.graph.node if ending.scores in node.output), None)
