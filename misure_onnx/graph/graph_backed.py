"""What a gradient route needs to know about a segmenter that runs an ONNX file."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Protocol, TypeAlias, runtime_checkable

import onnx

from misure_onnx.errors import GradientError
from misure_onnx.graph.derived import Derived
from misure_onnx.graph.input_signature import InputSignature
from misure_onnx.graph.output_signature import OutputSignature
from misure_onnx.segmenter import CountingSegmenter, Segmenter
from misure_onnx.types import AnyArray

Run: TypeAlias = Callable[[Sequence[str], Mapping[str, AnyArray]], list[AnyArray]]
"""(names of outputs, feeds by input name) -> the outputs."""


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

    @property
    def derived(self) -> Derived:
        """What was made of the file before."""

    def run_edited(self, model: onnx.ModelProto) -> Run:
        """An edited copy of the file, with its weights, run as the file itself is.

        Raises:
            ModelError: ONNX Runtime cannot load it.
        """


def graph_of(segmenter: Segmenter) -> GraphBacked:
    """The ONNX file behind a segmenter, counted or not.

    Raises:
        GradientError: there is none.
    """
    deployed = segmenter.segmenter if isinstance(segmenter, CountingSegmenter) else segmenter
    if not isinstance(deployed, GraphBacked):
        raise GradientError("this segmenter is no ONNX file, so there is no graph to differentiate")
    return deployed
