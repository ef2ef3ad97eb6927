"""What a server or the user says about a model, as the graph of an ONNX file would say it.

A description becomes a model without nodes, so that layout, size, batch, output and kind of scores are found, and
contradictions refused, by the same rules as for a file.
"""

import onnx
from onnx import TensorProto, helper

from misure_onnx.backends.open_inference.options import RemoteOptions
from misure_onnx.backends.open_inference.tensors import TensorSpec
from misure_onnx.backends.open_inference.wire import Description
from misure_onnx.errors import ServerError
from misure_onnx.preprocessing import Preprocessing

_ELEMENT_TYPES = {
    "BOOL": TensorProto.BOOL,
    "UINT8": TensorProto.UINT8,
    "UINT16": TensorProto.UINT16,
    "UINT32": TensorProto.UINT32,
    "UINT64": TensorProto.UINT64,
    "INT8": TensorProto.INT8,
    "INT16": TensorProto.INT16,
    "INT32": TensorProto.INT32,
    "INT64": TensorProto.INT64,
    "FP16": TensorProto.FLOAT16,
    "FP32": TensorProto.FLOAT,
    "FP64": TensorProto.DOUBLE,
    "BF16": TensorProto.BFLOAT16,
    "BYTES": TensorProto.STRING,
}


def described_inputs(
    description: Description, declared: Preprocessing | None, options: RemoteOptions
) -> tuple[TensorSpec, ...]:
    """The inputs that are believed: the user's, else the server's, else (MLflow) what the preprocessing implies.

    Raises:
        ServerError: nobody says anything.
    """
    if options.input is not None:
        return (TensorSpec.parse(options.input),)
    if description.inputs:
        return description.inputs
    if declared is not None and declared.size is not None:
        return (_implied(declared),)
    gaps = "; ".join(description.gaps) or "the server says nothing about the model's input"
    raise ServerError(
        f"{gaps}: check the name, or declare the input (--server-input NAME:DATATYPE:SHAPE, e.g. "
        "image:FP32:-1,3,224,224)"
    )


def _implied(declared: Preprocessing) -> TensorSpec:
    """An input without a name, as a Python function's is taken from its preprocessing."""
    size = declared.size or ()
    usual = 3 if len(size) == 2 else 1
    channels = 1 if declared.color == "GRAY" else max(usual, len(declared.mean))
    channels_last = declared.layout in ("NHWC", "NDHWC")
    axes = (*size, channels) if channels_last else (channels, *size)
    return TensorSpec("", "FP32", (declared.batch or -1, *axes))


def model_of(inputs: tuple[TensorSpec, ...]) -> onnx.ModelProto:
    """A model with these inputs and nothing else."""
    values = [
        helper.make_tensor_value_info(
            spec.name,
            _ELEMENT_TYPES.get(spec.datatype, TensorProto.UNDEFINED),
            [n if n > 0 else None for n in spec.shape],
        )
        for spec in inputs
    ]
    return helper.make_model(helper.make_graph([], "served", values, []))
