"""What a rule sees of the node that it differentiates."""

from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from typing import cast

import numpy as np
import onnx
from onnx import helper

from misure_onnx.errors import GradientError
from misure_onnx.gradients.onnx_gradient.values import Array, Value
from misure_onnx.graph.writer import GraphWriter

_SCALING = frozenset({"Add", "Sub", "Mul", "Div"})
_WEIGHTED = frozenset({"Conv", "ConvTranspose", "Gemm", "MatMul", "BatchNormalization"})


class Site:
    """One node, the shapes around it, and the gradient that arrives at its results.

    Attributes:
        node: the node itself; a rule may ask it for a further result.
        write: where the rule writes.
        opset: of the model.
        upstreams: d(loss)/d(result) a result, the name of a tensor; None where the loss does not depend on it.
    """

    def __init__(
        self,
        node: onnx.NodeProto,
        write: GraphWriter,
        values: Mapping[str, Value],
        active: AbstractSet[str],
        *,
        upstreams: Sequence[str | None],
        producers: Mapping[str, onnx.NodeProto],
    ) -> None:
        self.node = node
        self.write = write
        self.opset = write.opset
        self.upstreams = upstreams
        self._values = values
        self._active = active
        self._producers = producers
        self._attributes = {attribute.name: helper.get_attribute_value(attribute) for attribute in node.attribute}

    @property
    def upstream(self) -> str:
        """d(loss)/d(first result).

        Raises:
            GradientError: only a further result is used.
        """
        if self.upstreams[0] is None:
            raise self.refusal("only its first result can be differentiated, and another one is used")
        return self.upstreams[0]

    @property
    def result(self) -> str:
        """Name of the first result."""
        return str(self.node.output[0])

    def input(self, k: int) -> str:
        """Name of an input."""
        return str(self.node.input[k])

    def has(self, k: int) -> bool:
        """Whether an optional input is given."""
        return k < len(self.node.input) and bool(self.node.input[k])

    def needs(self, k: int) -> bool:
        """Whether the gradient of an input is asked for."""
        return self.has(k) and self.node.input[k] in self._active

    def shape(self, k: int = 0) -> tuple[int, ...]:
        """Of an input."""
        return self._values[self.node.input[k]].shape

    def result_shape(self, k: int = 0) -> tuple[int, ...]:
        """Of a result."""
        return self._values[self.node.output[k]].shape

    def is_float(self, k: int = 0) -> bool:
        """Whether an input is floating-point."""
        return self._values[self.node.input[k]].dtype.kind == "f"

    def is_known(self, k: int) -> bool:
        """Whether an input's numbers are known and do not depend on the image."""
        return self.has(k) and not self.needs(k) and self._values[self.node.input[k]].data is not None

    def is_convolved(self, k: int) -> bool:
        """Whether an input is the result of a layer with weights, maybe scaled and shifted by constants."""
        node = self._producers.get(self.input(k))
        while node is not None and node.op_type in _SCALING:
            depending = [name for name in node.input if name in self._active]
            node = self._producers.get(depending[0]) if len(depending) == 1 else None
        return node is not None and node.op_type in _WEIGHTED

    def constant(self, k: int) -> Array | None:
        """The numbers of an input that does not depend on the image; None where it is not given.

        Raises:
            GradientError: it depends on the image.
        """
        if not self.has(k):
            return None
        data = self._values[self.node.input[k]].data
        if self.needs(k) or data is None:
            raise self.refusal(f"its input {k} ({self.node.input[k]!r}) is no constant")
        return data

    def required(self, k: int) -> Array:
        """As `constant`, for an input that every valid node has."""
        return cast("Array", self.constant(k))

    def number(self, name: str, default: float) -> float:
        """A float attribute."""
        return float(self._attributes.get(name, default))

    def integer(self, name: str, default: int) -> int:
        """An integer attribute."""
        return int(self._attributes.get(name, default))

    def integers(self, name: str, default: Sequence[int] = ()) -> list[int]:
        """An attribute of several integers."""
        return [int(value) for value in self._attributes.get(name, default)]

    def text(self, name: str, default: str) -> str:
        """A string attribute."""
        value = self._attributes.get(name, default)
        return value.decode() if isinstance(value, bytes) else str(value)

    def summed_to(self, gradient: str, k: int, shape: Sequence[int] | None = None) -> str:
        """Undoes the broadcasting of an input: the gradient summed over the axes that were repeated.

        Args:
            gradient: of the broadcast input.
            k: the input.
            shape: of `gradient`; None: the result's.
        """
        have, want = list(self.result_shape() if shape is None else shape), list(self.shape(k))
        if have == want:
            return gradient
        lead = len(have) - len(want)
        repeated = [lead + i for i, size in enumerate(want) if size == 1 and have[lead + i] != 1]
        axes = [*range(lead), *repeated]
        return self.write.reshape(self.write.sum(gradient, axes) if axes else gradient, want)

    def refusal(self, reason: str) -> GradientError:
        """The error that names the node."""
        name = self.node.name or next((output for output in self.node.output if output), "without a name")
        return GradientError(f"node {name!r} ({self.node.op_type}, opset {self.opset}) has no gradient: {reason}")


def axis_of(site: Site, default: int = -1) -> int:
    """The attribute `axis`, counted from 0."""
    return site.integer("axis", default) % len(site.shape())


def product(sizes: Sequence[int]) -> int:
    """The number of elements of a shape."""
    return int(np.prod(sizes, dtype=np.int64))
