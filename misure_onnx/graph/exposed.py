"""A graph with other outputs, or another type of input."""

from collections.abc import Sequence

import onnx
from onnx import helper


def with_outputs(model: onnx.ModelProto, names: Sequence[str]) -> onnx.ModelProto:
    """A copy whose outputs are these tensors; their types are left to the runtime, which knows them."""
    copy = onnx.ModelProto()
    copy.CopyFrom(model)
    del copy.graph.output[:]
    copy.graph.output.extend(helper.make_empty_tensor_value_info(name) for name in names)
    return copy


def with_float_input(model: onnx.ModelProto, name: str) -> onnx.ModelProto:
    """A copy that takes float32 instead of what it declares: a graph that casts bytes takes values between them."""
    copy = onnx.ModelProto()
    copy.CopyFrom(model)
    own = next(value for value in copy.graph.input if value.name == name)
    own.type.tensor_type.elem_type = onnx.TensorProto.FLOAT
    del copy.graph.value_info[:]  # types of what follows
    return copy
