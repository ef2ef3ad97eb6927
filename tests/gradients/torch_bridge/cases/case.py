"""A small graph with inputs, whose result another implementation knows."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
import onnxruntime as ort
from onnx import helper, numpy_helper
from onnx.reference import ReferenceEvaluator

from misure_onnx.gradients.torch_bridge.coverage import operator_key
from misure_onnx.gradients.torch_bridge.node import Key

Array = npt.NDArray[Any]

_NEWEST_OF_RUNTIME = 22
_IR_VERSION = 10


@dataclass(frozen=True)
class Case:
    """One node with inputs.

    Attributes:
        operator: its name.
        inputs: arrays; None where an optional input is left out.
        opset: of the node's domain.
        domain: of the node.
        outputs: how many it has.
        constants: positions of the inputs that are weights; the others are fed.
        by_runtime: ONNX Runtime is the oracle, in float32; else ONNX's reference, in the inputs' own type.
        differentiable: whether the gradient of the first output is compared with a difference of the oracle.
        single: the oracle computes in float32, so a difference needs a larger step.
        wanted: positions of the outputs that are compared; None: all.
        tolerance: of the comparison, relative to the largest value.
        attributes: of the node.
    """

    operator: str
    inputs: Sequence[Array | None]
    opset: int = 21
    domain: str = ""
    outputs: int = 1
    constants: tuple[int, ...] = ()
    by_runtime: bool = False
    differentiable: bool = True
    single: bool = False
    wanted: tuple[int, ...] | None = None
    tolerance: float = 1e-5
    attributes: dict[str, Any] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """Operator, opset and attributes in one line."""
        shown = {k: v for k, v in self.attributes.items() if not isinstance(v, onnx.TensorProto | onnx.GraphProto)}
        given = ",".join(f"{key}={value}" for key, value in shown.items()).replace(" ", "")
        return f"{self.operator}-{self.opset}-{given}-{len(self.inputs)}"

    @property
    def covers(self) -> set[Key]:
        """Keys of the operators in the graph."""
        return {(self.domain, self.operator)}

    @property
    def feeds(self) -> dict[str, Array]:
        """The fed inputs by name, in the oracle's precision."""
        return {
            f"x{k}": self._in_precision(array)
            for k, array in enumerate(self.inputs)
            if array is not None and k not in self.constants
        }

    def model(self) -> onnx.ModelProto:
        """The node as a model."""
        arrays = {f"x{k}": self._in_precision(a) for k, a in enumerate(self.inputs) if a is not None}
        names = [f"x{k}" if array is not None else "" for k, array in enumerate(self.inputs)]
        outputs = [f"y{k}" if self.wanted is None or k in self.wanted else "" for k in range(self.outputs)]
        node = helper.make_node(self.operator, names, outputs, domain=self.domain, **self.attributes)
        fed = [_typed(name, array) for name, array in arrays.items() if name in self.feeds]
        kept = [numpy_helper.from_array(array, name) for name, array in arrays.items() if name not in self.feeds]
        results = [onnx.ValueInfoProto(name=name) for name in outputs if name]
        graph = helper.make_graph([node], "case", fed, results, kept)
        opsets = [helper.make_opsetid(self.domain, self.opset)]
        if self.domain:
            opsets.append(helper.make_opsetid("", _NEWEST_OF_RUNTIME))
        return helper.make_model(graph, opset_imports=opsets, ir_version=_IR_VERSION)

    def expected(self, feeds: dict[str, Array] | None = None) -> list[Array]:
        """The oracle's results."""
        model = self.model()
        fed = self.feeds if feeds is None else feeds
        if self.by_runtime:
            return run_in_onnx_runtime(model, fed)
        return [np.asarray(result) for result in ReferenceEvaluator(model).run(None, fed)]

    def _in_precision(self, array: Array) -> Array:
        return array.astype(np.float32) if self.by_runtime and array.dtype == np.float64 else array


@dataclass(frozen=True)
class GraphCase:
    """A graph in ONNX's text form; the oracle is ONNX Runtime."""

    name: str
    text: str
    feeds: dict[str, Array]
    differentiable: bool = True
    single: bool = True
    tolerance: float = 1e-5

    @property
    def covers(self) -> set[Key]:
        """Keys of the operators in the graph, inner graphs included."""
        return {operator_key(node) for node in _nodes(self.model().graph)}

    def model(self) -> onnx.ModelProto:
        """The graph, from its text."""
        return onnx.parser.parse_model(self.text)

    def expected(self, feeds: dict[str, Array] | None = None) -> list[Array]:
        """The oracle's results."""
        return run_in_onnx_runtime(self.model(), self.feeds if feeds is None else feeds)


class Draws:
    """Random arrays that are the same in every run."""

    def __init__(self, seed: int) -> None:
        self._generator = np.random.default_rng(seed)

    def real(self, *shape: int, low: float = -1.0, high: float = 1.0) -> Array:
        """float64, uniform."""
        return np.asarray(self._generator.uniform(low, high, shape), dtype=np.float64)

    def distinct(self, *shape: int) -> Array:
        """float64 with gaps between all values: a small step changes no order."""
        count = int(np.prod(shape))
        return 0.1 * (self._generator.permutation(count).reshape(shape) - count / 2)

    def whole(self, *shape: int, low: int = -5, high: int = 6, dtype: npt.DTypeLike = np.int64) -> Array:
        """Integers from low on, below high."""
        return np.asarray(self._generator.integers(low, high, shape), dtype=dtype)

    def truth(self, *shape: int) -> Array:
        """True or False."""
        return np.asarray(self._generator.random(shape) < 0.5)


def integers(*values: int) -> Array:
    """An int64 vector."""
    return np.array(values, dtype=np.int64)


def run_in_onnx_runtime(model: onnx.ModelProto, feeds: dict[str, Array]) -> list[Array]:
    """Results of the CPU provider with nothing optimised away."""
    options = ort.SessionOptions()
    options.log_severity_level = 4
    options.intra_op_num_threads = 1
    options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_DISABLE_ALL
    session = ort.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
    return [np.asarray(result) for result in session.run(None, feeds)]


def _typed(name: str, array: Array) -> onnx.ValueInfoProto:
    return helper.make_tensor_value_info(name, helper.np_dtype_to_tensor_dtype(array.dtype), array.shape)


def _nodes(graph: onnx.GraphProto) -> list[onnx.NodeProto]:
    inner = [a.g for node in graph.node for a in node.attribute if a.type == onnx.AttributeProto.GRAPH]
    return [*graph.node, *(node for body in inner for node in _nodes(body))]
