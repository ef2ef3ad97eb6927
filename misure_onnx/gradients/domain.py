"""Telling the user which function was differentiated, where it is not the deployed one to the letter."""

import numpy as np

from misure_onnx.gradients.score_tensor import scores_of
from misure_onnx.graph.graph_backed import graph_of
from misure_onnx.segmenter import Segmenter


def domain_notes(segmenter: Segmenter) -> tuple[str, ...]:
    """A sentence for a label map that was cut off, and one for an input of bytes.

    Raises:
        GradientError: the segmenter is no ONNX file, or nothing differentiable precedes its label map.
    """
    deployed = graph_of(segmenter)
    notes = []
    if deployed.output.head.kind == "labels":
        scores = scores_of(deployed)
        notes.append(
            f"the model gives labels only: the gradient is that of {scores.name!r}, the scores before its ArgMax; "
            "regions were judged by the labels"
        )
    if deployed.input.dtype == np.uint8:
        notes.append(
            "the model takes bytes: the gradient is that of pixels before they are rounded; regions were judged with "
            "rounded ones"
        )
    return tuple(notes)
