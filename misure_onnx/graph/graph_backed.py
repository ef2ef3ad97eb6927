"""What a gradient route needs to know about a segmenter that runs an ONNX file."""

from pathlib import Path
from typing import Protocol, runtime_checkable

from misure_onnx.graph.input_signature import InputSignature
from misure_onnx.graph.output_signature import OutputSignature


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
