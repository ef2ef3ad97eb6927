"""One node of a graph, as the function of its operator sees it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

from torch import Tensor

Value: TypeAlias = Tensor | list[Tensor] | None
"""What an edge of a graph carries: a tensor, a sequence of tensors, or nothing (an empty optional)."""

Operator: TypeAlias = Callable[..., Any]
"""`(node, *inputs) -> Tensor`, a list (a sequence), or a tuple with one value an output."""

Key: TypeAlias = tuple[str, str]
"""(domain, operator); the default domain is the empty string."""


@dataclass(frozen=True, slots=True)
class Node:
    """A node with decoded attributes.

    Attributes:
        op_type: the operator's name.
        domain: its domain; the default one is the empty string.
        name: of the node, or of its first output where the file names none.
        opset: version of the domain that the model imports; an operator's meaning depends on it.
        attributes: tensors as torch tensors, strings as str, graphs as callables.
        inputs: tensor names; the empty string where an optional input is left out.
        outputs: tensor names; the empty string where an output is not wanted.
        input_types: declared ONNX element types; 0 where the file does not say.
    """

    op_type: str
    domain: str
    name: str
    opset: int
    attributes: Mapping[str, Any]
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    input_types: tuple[int, ...] = ()

    def number(self, name: str, default: float) -> float:
        """A float attribute."""
        return float(self.attributes.get(name, default))

    def integer(self, name: str, default: int) -> int:
        """An integer attribute."""
        return int(self.attributes.get(name, default))

    def flag(self, name: str, *, default: bool = False) -> bool:
        """An integer attribute that means yes or no."""
        return bool(self.attributes.get(name, default))

    def text(self, name: str, default: str) -> str:
        """A string attribute."""
        return str(self.attributes.get(name, default))

    def integers(self, name: str) -> list[int] | None:
        """A list of integers, or None where the attribute is left out."""
        values = self.attributes.get(name)
        return None if values is None else [int(value) for value in values]

    def wants(self, output: int) -> bool:
        """Whether an optional output is asked for."""
        return len(self.outputs) > output and bool(self.outputs[output])

    def input_type(self, position: int) -> int:
        """Declared ONNX element type of an input, 0 = unknown."""
        return self.input_types[position] if position < len(self.input_types) else 0
