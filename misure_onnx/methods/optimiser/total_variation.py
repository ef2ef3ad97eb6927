"""Total variation of a mask grid: the smoothness term of eq. 1, and its gradient."""

import numpy as np

from misure_onnx.types import FloatArray


def total_variation(grid: FloatArray, exponent: float) -> tuple[float, FloatArray]:
    """mean |d_y g|^b + mean |d_x g|^b and its gradient by the grid (h, w); a volume's grid has a third term.

    Means, not eq. 1's sums, so that a weight means the same on every grid (as in the author's code).
    """
    value, gradient = 0.0, np.zeros_like(grid)
    for axis in range(grid.ndim):
        difference = np.diff(grid, axis=axis)
        if difference.size == 0:
            continue
        magnitude, slope = np.abs(difference), np.sign(difference) / difference.size
        if exponent != 1:  # powers cost fifty times as much as the rest
            slope *= exponent * magnitude ** (exponent - 1)
            magnitude **= exponent
        value += float(magnitude.mean())
        ends = [(0, 0)] * grid.ndim
        ends[axis] = (1, 1)
        # d/dg_k of |g_{k+1} - g_k|^b: + where g_k is the later one, - where it is the earlier one.
        padded = np.pad(slope, ends)
        gradient -= np.diff(padded, axis=axis)
    return value, np.asarray(gradient, np.float32)
