"""True shapes and types of every value of a graph, from one run instead of from inference."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
import onnxruntime as ort
from onnx import helper, numpy_helper

from misure_onnx.errors import GradientError
from misure_onnx.session_options import session_options

Array = npt.NDArray[Any]

_KEPT = 1 << 16


@dataclass(frozen=True, eq=False)
class Value:
    """One tensor of a graph.

    Attributes:
        shape, dtype: as they were in the run.
        data: its numbers, where it is a weight or has few of them.
    """

    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    data: Array | None


def measured(model: onnx.ModelProto, feeds: Mapping[str, Array]) -> dict[str, Value]:
    """Runs the model with every value as an output: name -> value, for inputs, weights and results of all nodes.

    Raises:
        GradientError: ONNX Runtime cannot run it.
    """
    names = [name for node in model.graph.node for name in node.output if name]
    results = results_of(model, names, feeds)
    found = {tensor.name: _weight(numpy_helper.to_array(tensor)) for tensor in model.graph.initializer}
    found |= {name: _value(feed) for name, feed in feeds.items()}
    return found | {name: _value(result) for name, result in zip(names, results, strict=True)}


def results_of(model: onnx.ModelProto, names: list[str], feeds: Mapping[str, Array]) -> list[Any]:
    """Any tensors of a model.

    Raises:
        GradientError: ONNX Runtime cannot run it.
    """
    try:
        results: list[Any] = _session(model, names).run(names, dict(feeds))
    except Exception as error:
        raise GradientError(f"ONNX Runtime cannot run the normalised model: {error}") from error
    return results


def shape_of_output(model: onnx.ModelProto, name: str, feeds: Mapping[str, Array]) -> tuple[int, ...]:
    """As ONNX Runtime declared it while the model was normalised; measured where it could not tell.

    Raises:
        GradientError: ONNX Runtime cannot run the model.
    """
    for value in model.graph.output:
        declared = tuple(extent.dim_value for extent in value.type.tensor_type.shape.dim)
        if value.name == name and declared and all(declared):
            return declared
    (output,) = results_of(model, [name], feeds)
    return tuple(output.shape)


def _session(model: onnx.ModelProto, names: list[str]) -> ort.InferenceSession:
    watched = onnx.ModelProto()
    watched.CopyFrom(model)
    del watched.graph.output[:]
    watched.graph.output.extend(helper.make_empty_tensor_value_info(name) for name in names)
    options = session_options()
    options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_DISABLE_ALL
    return ort.InferenceSession(watched.SerializeToString(), options, providers=["CPUExecutionProvider"])


def _weight(array: Array) -> Value:
    return Value(array.shape, array.dtype, array)


def _value(result: object) -> Value:
    """Large results are not kept: all of them together are many times the model."""
    if not isinstance(result, np.ndarray):  # a sequence or an absent optional: nothing a rule could read
        return Value((), np.dtype(object), None)
    return Value(result.shape, result.dtype, result.copy() if result.size <= _KEPT else None)
