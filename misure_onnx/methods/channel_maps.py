"""One map from the maps of the input's channels."""

from typing import Literal, get_args

import numpy as np

from misure_onnx.errors import require
from misure_onnx.types import FloatArray

Reduction = Literal["max_abs", "absmax", "sum"]


def require_reduction(reduction: str) -> None:
    """Refuses an unknown reduction.

    Raises:
        ParameterError: it is unknown.
    """
    known = get_args(Reduction)
    require(reduction in known, f"reduction must be {', '.join(known)}, got {reduction!r}")


def reduced(maps: FloatArray, reduction: Reduction) -> FloatArray:
    """(C, ...) -> (...): the largest magnitude (max_abs), the same with its sign (absmax), or the sum."""
    if reduction == "sum":
        return np.asarray(maps.sum(axis=0, dtype=np.float64), np.float32)
    if reduction == "max_abs":
        return np.asarray(np.abs(maps).max(axis=0), np.float32)
    chosen = np.abs(maps).argmax(axis=0)[None]
    return np.asarray(np.take_along_axis(maps, chosen, axis=0)[0], np.float32)
