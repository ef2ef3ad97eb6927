"""The Open Inference Protocol's gRPC messages, those and their fields that are used.

Source: Open Inference Protocol v2, gRPC (package `inference`); `ModelConfig` is Triton's. Described here instead of
generated, in a pool of their own, so that no other package's messages of the same names are in the way. Fields that are
not described are skipped when they arrive.
"""

from functools import cache
from typing import Any

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

PACKAGE = "inference"
SERVICE = f"{PACKAGE}.GRPCInferenceService"

_FIELD = descriptor_pb2.FieldDescriptorProto
_TYPES = {
    "string": _FIELD.TYPE_STRING,
    "bytes": _FIELD.TYPE_BYTES,
    "bool": _FIELD.TYPE_BOOL,
    "int32": _FIELD.TYPE_INT32,
    "int64": _FIELD.TYPE_INT64,
    "uint32": _FIELD.TYPE_UINT32,
    "uint64": _FIELD.TYPE_UINT64,
    "float": _FIELD.TYPE_FLOAT,
    "double": _FIELD.TYPE_DOUBLE,
}

CONTENTS = {
    "BOOL": "bool_contents",
    "INT8": "int_contents",
    "INT16": "int_contents",
    "INT32": "int_contents",
    "INT64": "int64_contents",
    "UINT8": "uint_contents",
    "UINT16": "uint_contents",
    "UINT32": "uint_contents",
    "UINT64": "uint64_contents",
    "FP32": "fp32_contents",
    "FP64": "fp64_contents",
}
"""Where the values of a data type lie when they are not raw bytes."""

_MESSAGES: dict[str, tuple[str, ...]] = {
    "ServerMetadataRequest": (),
    "ServerMetadataResponse": ("string name = 1", "string version = 2", "string* extensions = 3"),
    "ModelMetadataRequest": ("string name = 1", "string version = 2"),
    "TensorMetadata": ("string name = 1", "string datatype = 2", "int64* shape = 3"),
    "ModelMetadataResponse": ("string name = 1", "TensorMetadata* inputs = 4", "TensorMetadata* outputs = 5"),
    "ModelConfigRequest": ("string name = 1", "string version = 2"),
    "ModelConfig": ("int32 max_batch_size = 4",),
    "ModelConfigResponse": ("ModelConfig config = 1",),
    "InferTensorContents": (
        "bool* bool_contents = 1",
        "int32* int_contents = 2",
        "int64* int64_contents = 3",
        "uint32* uint_contents = 4",
        "uint64* uint64_contents = 5",
        "float* fp32_contents = 6",
        "double* fp64_contents = 7",
        "bytes* bytes_contents = 8",
    ),
    "InferTensor": (
        "string name = 1",
        "string datatype = 2",
        "int64* shape = 3",
        "InferTensorContents contents = 5",
    ),
    "InferRequestedOutputTensor": ("string name = 1",),
    "ModelInferRequest": (
        "string model_name = 1",
        "string model_version = 2",
        "string id = 3",
        "InferTensor* inputs = 5",
        "InferRequestedOutputTensor* outputs = 6",
        "bytes* raw_input_contents = 7",
    ),
    "ModelInferResponse": (
        "string model_name = 1",
        "string model_version = 2",
        "string id = 3",
        "InferTensor* outputs = 5",
        "bytes* raw_output_contents = 6",
    ),
}
"""Fields as "type name = number"; a star: repeated. On the wire a message has no name, so nested ones stand beside the
others here."""


@cache
def message(name: str) -> Any:
    """The class of a message."""
    return message_factory.GetMessageClass(_pool().FindMessageTypeByName(f"{PACKAGE}.{name}"))


@cache
def _pool() -> descriptor_pool.DescriptorPool:
    file = descriptor_pb2.FileDescriptorProto(name="open_inference.proto", package=PACKAGE, syntax="proto3")
    for name, fields in _MESSAGES.items():
        own = file.message_type.add(name=name)
        for text in fields:
            _describe(own, text)
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    return pool


def _describe(own: descriptor_pb2.DescriptorProto, text: str) -> None:
    kind, name, _, number = text.split()
    field = own.field.add(name=name, number=int(number))
    field.label = _FIELD.LABEL_REPEATED if kind.endswith("*") else _FIELD.LABEL_OPTIONAL
    kind = kind.rstrip("*")
    if kind in _TYPES:
        field.type = _TYPES[kind]
    else:
        field.type, field.type_name = _FIELD.TYPE_MESSAGE, f".{PACKAGE}.{kind}"
