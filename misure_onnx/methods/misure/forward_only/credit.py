"""Which cell made the prediction better or worse? Credit for cells that were changed together."""

import cv2
import numpy as np
from scipy import ndimage

from misure_onnx.methods.misure.forward_only.cells import CellGrid
from misure_onnx.types import BoolArray, FloatArray, Region

REACH = 2.0
"""Standard deviation, in cells, of the kernel by which a change of the prediction is shared among changed cells."""


def pixel_weights(seen: FloatArray, wanted: Region) -> FloatArray:
    """(H, W) d(soft Dice)/d(presence) at every pixel; D = 2 sum(p y) / (sum p + sum y)."""
    total = float(seen.sum(dtype=np.float64) + wanted.sum())
    overlap = float(seen[wanted].sum(dtype=np.float64))
    return np.asarray(2 * wanted / total - 2 * overlap / total**2, np.float32)


def shared_credit(grid: CellGrid, changes: FloatArray, kept: BoolArray, asked: BoolArray) -> FloatArray:
    """(rows, columns) what having each changed cell is worth, in Dice; 0 for cells that were not changed.

    One forward after changing many cells gives a whole map of changes, not just one number. What happens
    at a place is shared among the changed cells around it, in proportion to a Gaussian of their distance:

        value(c) = s(c) * sum_p K(p - c) change(p) / sum_c' K(p - c'),   s(c) = +1 added, -1 removed

    A change is attributed to the nearest changed cells; averaged over different sets of cells, an error of
    attribution cancels.

    Args:
        grid: the cells.
        changes: (H, W) weighted change of the prediction; its sum approximates the change of the Dice.
        kept: cells kept before.
        asked: cells kept when the change was seen.
    """
    signs = asked.astype(np.float32) - kept
    crowd = _blurred(np.abs(signs))
    shares = _blurred(grid.sums(changes) / (crowd + _FAR))
    return np.asarray(signs * shares, np.float32)


_FAR = 1e-4
"""Keeps a change far from every changed cell from being blown up."""


def _blurred(values: FloatArray) -> FloatArray:
    if values.ndim == 3:
        return np.asarray(ndimage.gaussian_filter(values, REACH, mode="constant"), np.float32)
    return np.asarray(cv2.GaussianBlur(values, (0, 0), REACH, borderType=cv2.BORDER_CONSTANT), np.float32)
