"""ONNX element types and the torch types that carry them.

Half precision is computed in float32, and unsigned integers that torch hardly supports travel in the next
wider signed type; 4-bit integers travel in 8 bits.
"""

from types import MappingProxyType
from typing import Any

import numpy as np
import onnx
import torch
from onnx import TensorProto, numpy_helper
from torch import Tensor

CARRIERS = MappingProxyType(
    {
        int(TensorProto.FLOAT): torch.float32,
        int(TensorProto.FLOAT16): torch.float32,
        int(TensorProto.BFLOAT16): torch.float32,
        int(TensorProto.DOUBLE): torch.float64,
        int(TensorProto.INT64): torch.int64,
        int(TensorProto.INT32): torch.int32,
        int(TensorProto.INT16): torch.int16,
        int(TensorProto.INT8): torch.int8,
        int(TensorProto.UINT8): torch.uint8,
        int(TensorProto.UINT16): torch.int32,
        int(TensorProto.UINT32): torch.int64,
        int(TensorProto.UINT64): torch.int64,
        int(TensorProto.BOOL): torch.bool,
    }
)

INTEGER_RANGES = MappingProxyType(
    {
        int(TensorProto.UINT8): (0, 255),
        int(TensorProto.INT8): (-128, 127),
        int(TensorProto.UINT16): (0, 65_535),
        int(TensorProto.INT16): (-32_768, 32_767),
        int(TensorProto.INT32): (-(2**31), 2**31 - 1),
        int(TensorProto.UINT4): (0, 15),
        int(TensorProto.INT4): (-8, 7),
        int(TensorProto.UINT2): (0, 3),
        int(TensorProto.INT2): (-2, 1),
    }
)
"""Smallest and largest value of the types that a quantised tensor may have."""

_WIDER: MappingProxyType[np.dtype[Any], np.dtype[Any]] = MappingProxyType(
    {
        np.dtype(np.uint16): np.dtype(np.int32),
        np.dtype(np.uint32): np.dtype(np.int64),
        np.dtype(np.uint64): np.dtype(np.int64),
    }
)
_SMALL_INTEGERS = ("int4", "uint4", "int2", "uint2")


def carrier(element_type: int) -> torch.dtype:
    """The torch type that carries an ONNX element type.

    Raises:
        NotImplementedError: strings, complex numbers, and float and integer types below 8 bits.
    """
    if element_type not in CARRIERS:
        raise NotImplementedError(
            f"tensors of type {TensorProto.DataType.Name(element_type)} have no torch counterpart here; "
            "expected float, integer or bool"
        )
    return CARRIERS[element_type]


def decode(tensor: onnx.TensorProto) -> Tensor:
    """A weight or constant as a torch tensor on the CPU, in its carrier type.

    Raises:
        NotImplementedError: strings and complex numbers.
    """
    array = numpy_helper.to_array(tensor)
    if array.dtype.kind in "OUSc":
        raise NotImplementedError(f"constant {tensor.name!r} holds {array.dtype}; expected float, integer or bool")
    # A copy: torch warns about memory that it may not write to, and protobuf's is such.
    return torch.from_numpy(np.array(array, dtype=_numpy_carrier(array.dtype)))


def _numpy_carrier(dtype: np.dtype[Any]) -> np.dtype[Any]:
    """The NumPy type whose torch counterpart carries an array of a weight."""
    if dtype.name in _SMALL_INTEGERS:
        return np.dtype(np.int8)
    if dtype == np.float16 or dtype.kind not in "fiub":  # bfloat16 and the 8-bit floats
        return np.dtype(np.float32)
    return _WIDER.get(dtype, dtype)
