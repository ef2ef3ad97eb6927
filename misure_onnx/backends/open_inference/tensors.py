"""Tensors as the Open Inference Protocol names them."""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from misure_onnx.errors import InputError, ServerError
from misure_onnx.types import AnyArray

DTYPES: dict[str, np.dtype[Any]] = {
    "BOOL": np.dtype(np.bool_),
    "UINT8": np.dtype(np.uint8),
    "UINT16": np.dtype("<u2"),
    "UINT32": np.dtype("<u4"),
    "UINT64": np.dtype("<u8"),
    "INT8": np.dtype(np.int8),
    "INT16": np.dtype("<i2"),
    "INT32": np.dtype("<i4"),
    "INT64": np.dtype("<i8"),
    "FP16": np.dtype("<f2"),
    "FP32": np.dtype("<f4"),
    "FP64": np.dtype("<f8"),
}
"""The protocol's data types; tensors travel in little-endian byte order."""


@dataclass(frozen=True)
class TensorSpec:
    """What a server says, or a user declares, about an input or output.

    Attributes:
        name: of the tensor; empty: MLflow models without names.
        datatype: of the protocol, e.g. FP32.
        shape: -1 where it is free.
    """

    name: str
    datatype: str
    shape: tuple[int, ...]

    @classmethod
    def parse(cls, text: str) -> "TensorSpec":
        """Reads NAME:DATATYPE:SHAPE, e.g. image:FP32:-1,3,224,224.

        Raises:
            InputError: it is written otherwise.
        """
        expected = f"expected NAME:DATATYPE:SHAPE, e.g. image:FP32:-1,3,224,224; got {text!r}"
        name, *rest = text.rsplit(":", 2)
        if len(rest) != 2 or rest[0] not in DTYPES:
            raise InputError(f"the server's input: {expected} (data types: {', '.join(DTYPES)})")
        try:
            shape = tuple(int(extent) for extent in rest[1].split(","))
        except ValueError as error:
            raise InputError(f"the server's input: {expected}") from error
        if any(extent == 0 or extent < -1 for extent in shape):
            raise InputError(f"the server's input: {expected}; an axis is free (-1) or at least 1")
        return cls(name, rest[0], shape)

    def __str__(self) -> str:
        return f"{self.name or '(unnamed)'} {self.datatype}[{','.join(map(str, self.shape))}]"


def datatype_of(array: AnyArray) -> str:
    """The protocol's name of an array's type."""
    return next(name for name, dtype in DTYPES.items() if dtype == array.dtype)


def from_bytes(name: str, datatype: str, shape: tuple[int, ...], raw: bytes | memoryview) -> AnyArray:
    """A tensor from its bytes.

    Raises:
        ServerError: a data type that is no number, or another number of bytes than the shape needs.
    """
    dtype = _dtype(name, datatype)
    if min(shape, default=1) < 0 or len(raw) != math.prod(shape) * dtype.itemsize:
        raise ServerError(
            f"the server's output {name!r} has {len(raw):,} bytes; its shape {list(shape)} of {datatype} needs "
            f"{math.prod(shape) * dtype.itemsize:,}"
        )
    return np.frombuffer(raw, dtype).reshape(shape)


def from_values(name: str, datatype: str, shape: tuple[int, ...], values: Any) -> AnyArray:
    """A tensor from a list of its values, flat or nested.

    Raises:
        ServerError: values of another kind or number.
    """
    dtype = _dtype(name, datatype)
    try:
        array: npt.NDArray[Any] = np.asarray(values, dtype)
    except (ValueError, TypeError, OverflowError) as error:
        raise ServerError(f"the server's output {name!r} is no array of {datatype}: {error}") from error
    if min(shape, default=1) < 0 or array.size != math.prod(shape):
        raise ServerError(
            f"the server's output {name!r} has {array.size:,} values; its shape {list(shape)} needs "
            f"{math.prod(shape):,}"
        )
    return array.reshape(shape)


def _dtype(name: str, datatype: str) -> np.dtype[Any]:
    if datatype not in DTYPES:
        raise ServerError(f"the server's output {name!r} is {datatype!r}; expected one of {', '.join(DTYPES)}")
    return DTYPES[datatype]
