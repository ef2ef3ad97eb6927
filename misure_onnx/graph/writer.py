"""Writes nodes and constants under names that a model does not have."""

from collections.abc import Collection, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
from onnx import helper, numpy_helper

Array = npt.NDArray[Any]

_STEEP = 2.0**100
"""Multiplying by a power of two rounds nothing: a ramp is exactly 0 at its bound."""

MOST_BOUND = 2.0**27
"""A larger one, times `_STEEP`, is no float32."""

_SHARED = 4096  # constants of so many bytes are compared, so that each is written once


class GraphWriter:
    """Nodes and constants to be appended to a graph; every method that computes returns the result's name.

    Args:
        opset: of the graph; ReduceMax takes its axes as an input from 18 on.
        taken: names that the graph has.
        prefix: of the names that are written.

    Attributes:
        nodes, constants: what was written so far, in the order of computation.
        opset: of the graph.
    """

    def __init__(self, opset: int, taken: Collection[str], prefix: str = "gradient") -> None:
        self.opset = opset
        self.nodes: list[onnx.NodeProto] = []
        self.constants: list[onnx.TensorProto] = []
        self._prefix = prefix
        while any(name.startswith(self._prefix + "/") for name in taken):
            self._prefix += "_"
        self._shared: dict[tuple[str, tuple[int, ...], bytes], str] = {}

    def name(self, purpose: str) -> str:
        """A name that nothing else has."""
        return f"{self._prefix}/{purpose}_{len(self.nodes)}_{len(self.constants)}"

    def node(self, operator: str, *inputs: str, **attributes: Any) -> str:
        """One node with one result."""
        result = self.name(operator)
        self.nodes.append(helper.make_node(operator, inputs, [result], name=result, **attributes))
        return result

    def constant(self, values: npt.ArrayLike) -> str:
        """A tensor; equal small ones are written once."""
        array = np.asarray(values)
        key = (array.dtype.str, array.shape, array.tobytes() if array.nbytes <= _SHARED else b"")
        if array.nbytes <= _SHARED and key in self._shared:
            return self._shared[key]
        name = self.name("constant")
        self.constants.append(numpy_helper.from_array(np.ascontiguousarray(array).reshape(array.shape), name))
        self._shared[key] = name
        return name

    def number(self, value: float) -> str:
        """A float32 scalar."""
        return self.constant(np.array(value, np.float32))

    def integers(self, values: Sequence[int]) -> str:
        """An int64 vector."""
        return self.constant(np.array([*values], np.int64))

    def add(self, a: str, b: str) -> str:
        """a + b, broadcast."""
        return self.node("Add", a, b)

    def subtract(self, a: str, b: str) -> str:
        """a - b, broadcast."""
        return self.node("Sub", a, b)

    def multiply(self, a: str, b: str) -> str:
        """a * b, broadcast."""
        return self.node("Mul", a, b)

    def divide(self, a: str, b: str) -> str:
        """a / b, broadcast."""
        return self.node("Div", a, b)

    def scaled(self, x: str, factor: float) -> str:
        """factor * x."""
        return x if factor == 1 else self.multiply(x, self.number(factor))

    def negated(self, x: str) -> str:
        """-x."""
        return self.node("Neg", x)

    def indicator(self, condition: str) -> str:
        """1.0 where true, 0.0 elsewhere; multiplying by it is twice as fast as Where."""
        return self.node("Cast", condition, to=onnx.TensorProto.FLOAT)

    def where_positive(self, x: str) -> str:
        """1.0 where x > 0, 0.0 elsewhere."""
        return self.where_above(x, 0)

    def where_above(self, x: str, bound: float) -> str:
        """1.0 where x > bound, 0.0 elsewhere, in one node: a ramp that is over within 1e-30.

        Args:
            x: the tensor.
            bound: a float32 of less than `MOST_BOUND` in size.
        """
        return self.node("HardSigmoid", x, alpha=_STEEP, beta=-bound * _STEEP)

    def where_below(self, x: str, bound: float) -> str:
        """1.0 where x < bound, 0.0 elsewhere; see `where_above`."""
        return self.node("HardSigmoid", x, alpha=-_STEEP, beta=bound * _STEEP)

    def sum(self, x: str, axes: Sequence[int], *, keepdims: bool = True) -> str:
        """The sum along axes."""
        return self.node("ReduceSum", x, self.integers(axes), keepdims=int(keepdims))

    def maximum(self, x: str, axis: int) -> str:
        """The maximum along one axis, which stays with length 1."""
        if self.opset < 18:
            return self.node("ReduceMax", x, axes=[axis], keepdims=1)
        return self.node("ReduceMax", x, self.integers([axis]), keepdims=1)

    def reshape(self, x: str, shape: Sequence[int]) -> str:
        """The same values in another shape."""
        return self.node("Reshape", x, self.integers(shape))

    def expand(self, x: str, shape: Sequence[int]) -> str:
        """Axes of length 1 repeated."""
        return self.node("Expand", x, self.integers(shape))

    def transpose(self, x: str, order: Sequence[int]) -> str:
        """Axes in another order."""
        return self.node("Transpose", x, perm=list(order))

    def pad(self, x: str, before: Sequence[int], after: Sequence[int]) -> str:
        """Zeros around; nothing is written where there are none."""
        if not any(before) and not any(after):
            return x
        return self.node("Pad", x, self.integers([*before, *after]))

    def slice(self, x: str, start: int, stop: int, axis: int) -> str:
        """start <= index < stop along one axis."""
        return self.node("Slice", x, *(self.integers([value]) for value in (start, stop, axis)))
