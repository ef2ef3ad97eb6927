"""The Dice coefficient, hard and soft: the one measure of "the model finds the object again"."""

import numpy as np
import numpy.typing as npt

from misure_onnx.types import BoolArray, FloatArray

SOFT_EPSILON = 1e-7
"""Added to numerator and denominator of the soft Dice (smp's constant; the paper leaves it open)."""


def hard_dice(predicted: BoolArray, reference: BoolArray) -> npt.NDArray[np.float64]:
    """2|A and B| / (|A| + |B|) over the last two axes; 1 where both sets are empty.

    Args:
        predicted: (..., H, W).
        reference: (H, W), or anything that broadcasts against `predicted`.
    """
    both = np.count_nonzero(predicted & reference, axis=(-2, -1))
    total = np.count_nonzero(predicted, axis=(-2, -1)) + np.count_nonzero(reference, axis=(-2, -1))
    return np.asarray(np.where(total == 0, 1.0, 2.0 * both / np.maximum(total, 1)), np.float64)


def soft_dice(predicted: FloatArray, reference: FloatArray) -> float:
    """(2 sum(p*r) + e) / (sum(p) + sum(r) + e), e = `SOFT_EPSILON` (MiSuRe eq. 1), of two (H, W) arrays in [0, 1]."""
    overlap = 2.0 * float(np.sum(predicted * reference, dtype=np.float64)) + SOFT_EPSILON
    total = float(np.sum(predicted, dtype=np.float64) + np.sum(reference, dtype=np.float64)) + SOFT_EPSILON
    return overlap / total
