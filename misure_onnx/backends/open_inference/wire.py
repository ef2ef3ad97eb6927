"""What every protocol can do, and what it finds out."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from misure_onnx.backends.open_inference.tensors import TensorSpec
from misure_onnx.errors import ServerError
from misure_onnx.types import AnyArray


class Refusal(ServerError):  # noqa: N818 - reads as what it is
    """The server answered that it will not do this; another size of batch or another encoding may do."""


class BrokenOff(ServerError):  # noqa: N818 - reads as what it is
    """The connection ended in the middle of a request or an answer."""


@dataclass(frozen=True)
class Description:
    """What a server says about itself and the model; nothing of it need be true.

    Attributes:
        server, server_version: of the software.
        inputs, outputs: of the model; empty where it says nothing.
        max_batch: most images a request, by the server's configuration; None: not said.
        gaps: what it does not say, a sentence each.
    """

    server: str | None = None
    server_version: str | None = None
    inputs: tuple[TensorSpec, ...] = ()
    outputs: tuple[TensorSpec, ...] = ()
    max_batch: int | None = None
    gaps: tuple[str, ...] = ()


@dataclass(frozen=True)
class Answer:
    """Outputs by name, and the model's version that gave them, where the server says so."""

    outputs: Mapping[str, AnyArray]
    model_version: str | None


class Wire(Protocol):
    """One protocol, spoken with one server about one model."""

    @property
    def name(self) -> str:
        """Of the protocol, as it goes into the provenance."""

    def describe(self) -> Description:
        """What the server says.

        Raises:
            ServerError: it does not answer.
        """

    def infer(self, spec: TensorSpec, tensor: AnyArray, outputs: tuple[str, ...]) -> Answer:
        """The model's outputs for an input.

        Args:
            spec: name and data type of the input.
            tensor: in the model's own layout and type.
            outputs: names of those that are wanted; empty: all.

        Raises:
            Refusal: the server will not do it.
            ServerError: it does not answer, or not by the protocol.
        """

    def close(self) -> None:
        """Ends the connection."""
