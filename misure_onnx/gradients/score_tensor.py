"""Which tensor of a graph is differentiated."""

import onnx

from misure_onnx.errors import GradientError
from misure_onnx.graph.ending import find_ending
from misure_onnx.graph.graph_backed import GraphBacked
from misure_onnx.graph.load import load_structure
from misure_onnx.graph.output_signature import OutputSignature
from misure_onnx.preprocessing import OutputLayout
from misure_onnx.scores import Head


def scores_of(deployed: GraphBacked) -> OutputSignature:
    """As `score_tensor`, of a segmenter's file, which is read only where it ends in a label map."""
    if deployed.output.head.kind != "labels":
        return deployed.output
    return score_tensor(load_structure(deployed.path), deployed.output)


def score_tensor(model: onnx.ModelProto, output: OutputSignature) -> OutputSignature:
    """The output, or the scores before ArgMax where the graph ends in a label map.

    Raises:
        GradientError: nothing differentiable precedes a label map.
    """
    if output.head.kind != "labels":
        return output
    ending = find_ending(model, output.name)
    if ending.kind != "argmax" or ending.axis is None:
        raise GradientError(
            f"output {output.name!r} is a label map and no scores were found before it ({ending.kind} ending)"
        )
    volume = output.layout == "NDHW"
    first = ending.axis in ((1, -4) if volume else (1, -3))
    layout: OutputLayout = ("NCDHW" if first else "NDHWC") if volume else ("NCHW" if first else "NHWC")
    return OutputSignature(ending.scores, layout, output.classes, Head("logits"))
