"""What a family hands over: a network in its framework, and how to write it as ONNX."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from misure_onnx.preprocessing import Preprocessing
from misure_onnx.types import AnyArray, Images


@dataclass(frozen=True, eq=False)
class Source:
    """A network in its framework.

    Attributes:
        declared: what the file is to say about itself; what is None is found in the written graph.
        channels: C of the input.
        predict: network input (N, C, *size) float32 -> what the framework's network returns, in its own layout.
        write: writes the bare graph, and returns what its reader should know (or None).
        steps: whether the answer jumps where the input hardly changes (tree ensembles, label maps), so that rounding
            turns single pixels over.
    """

    declared: Preprocessing
    channels: int
    predict: Callable[[Images], AnyArray]
    write: Callable[[Path], str | None]
    steps: bool = False
