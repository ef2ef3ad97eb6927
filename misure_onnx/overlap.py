"""The Dice coefficient, hard and soft: the one measure of "the model finds the object again"."""

import math

import numpy as np
import numpy.typing as npt

from misure_onnx.types import BoolArray, FloatArray

SOFT_EPSILON = 1e-7
"""Added to numerator and denominator of the soft Dice (smp's constant; the paper leaves it open)."""


def hard_dice(predicted: BoolArray, reference: BoolArray) -> npt.NDArray[np.float64]:
    """2|A and B| / (|A| + |B|) over the axes of the reference; 1 where both sets are empty.

    Args:
        predicted: (N, H, W), or (H, W); of volumes with one axis more.
        reference: (H, W).
    """
    axes = reference.ndim
    both, found, wanted = (_count(region, axes) for region in (predicted & reference, predicted, reference))
    total = found + wanted
    return np.asarray(np.where(total == 0, 1.0, 2.0 * both / np.maximum(total, 1)), np.float64)


def _count(region: BoolArray, axes: int) -> npt.NDArray[np.int64]:
    """True values over the last axes; a loop, since counting a whole array is ten times faster than along axes."""
    leading = region.shape[: region.ndim - axes]
    flat = region.reshape(-1, math.prod(region.shape[region.ndim - axes :]))
    counts = np.array([np.count_nonzero(row) for row in flat], np.int64)
    return counts.reshape(leading)


def soft_dice(predicted: FloatArray, reference: FloatArray) -> float:
    """(2 sum(p*r) + e) / (sum(p) + sum(r) + e), e = `SOFT_EPSILON` (MiSuRe eq. 1), of two (H, W) arrays in [0, 1]."""
    overlap = 2.0 * float(np.sum(predicted * reference, dtype=np.float64)) + SOFT_EPSILON
    total = float(np.sum(predicted, dtype=np.float64) + np.sum(reference, dtype=np.float64)) + SOFT_EPSILON
    return overlap / total
