"""What a gradient route needs to know about a segmenter that runs an ONNX file."""

from pathlib import Path
from typing import Protocol, runtime_checkable

from misure_onnx.errors import GradientError
from misure_onnx.graph.input_signature import InputSignature
from misure_onnx.graph.output_signature import OutputSignature
from misure_onnx.segmenter import CountingSegmenter, Segmenter


@runtime_checkable
class GraphBacked(Protocol):
    """A segmenter that runs an ONNX file."""

    @property
    def path(self) -> Path:
        """The ONNX file."""

    @property
    def input(self) -> InputSignature:
        """Its image input."""

    @property
    def output(self) -> OutputSignature:
        """The output that is explained."""


def graph_of(segmenter: Segmenter) -> GraphBacked:
    """The ONNX file behind a segmenter, counted or not.

    Raises:
        GradientError: there is none.
    """
    deployed = segmenter.segmenter if isinstance(segmenter, CountingSegmenter) else segmenter
    if not isinstance(deployed, GraphBacked):
        raise GradientError("this segmenter is no ONNX file, so there is no graph to differentiate")
    return deployed
