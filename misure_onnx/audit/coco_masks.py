"""The three ways in which COCO writes a mask (https://cocodataset.org/#format-data), as regions.

Polygons; run lengths as a list, column by column, zeros first; and these lengths as text (`rle`).
"""

from collections.abc import Sequence
from typing import Any

import numpy as np

from misure_onnx.audit.rle import decompress, from_run_lengths
from misure_onnx.errors import ImageError, InputError
from misure_onnx.sizes import width_first
from misure_onnx.types import FloatArray, Region, Size


def decode_mask(segmentation: Any, size: Size) -> Region:
    """An annotation's `segmentation` as (H, W) bool.

    Raises:
        ImageError: it is none of the three, or of another size than the image.
    """
    try:
        if isinstance(segmentation, list):
            return _polygons(segmentation, size)
        return _from_runs(segmentation, size)
    except ImageError:
        raise
    except (ValueError, TypeError, KeyError, OverflowError, InputError) as error:
        raise ImageError(f"a COCO segmentation is neither polygons nor run lengths: {error}") from error


def _from_runs(segmentation: dict[str, Any], size: Size) -> Region:
    written = tuple(segmentation["size"])
    if written != size:
        raise ImageError(
            f"a COCO segmentation is for an image of {width_first(written)}, this one is {width_first(size)}"
        )
    counts = segmentation["counts"]
    runs = decompress(counts) if isinstance(counts, str) else np.asarray(counts, np.int64)
    return from_run_lengths(runs, size)


def _polygons(polygons: Sequence[Sequence[float]], size: Size) -> Region:
    """Every pixel whose centre lies in one of them.

    COCO's own tools round corners to fifths of a pixel first: along a border single pixels may differ.
    """
    region = np.zeros(size, bool)
    for polygon in polygons:
        numbers = np.asarray(polygon, np.float32)
        if numbers.size < 6 or numbers.size % 2 or not np.isfinite(numbers).all():
            raise ImageError(
                f"a polygon needs three points (x, y) or more of finite numbers, got {numbers.size} numbers"
            )
        region |= _polygon(numbers.reshape(-1, 2), size)
    return region


def _polygon(points: FloatArray, size: Size) -> Region:
    """A centre is inside if a ray to its left crosses the border an odd number of times."""
    height, width = size
    region = np.zeros(size, bool)
    centres = np.arange(width) + 0.5
    x, y = points.T.astype(np.float64)
    next_x, next_y = np.roll(x, -1), np.roll(y, -1)
    for row in range(max(0, int(min(y.min(), height))), min(height, int(max(y.max(), -1)) + 1)):
        crossing = (y <= row + 0.5) != (next_y <= row + 0.5)
        share = (row + 0.5 - y[crossing]) / (next_y - y)[crossing]
        crossings = np.sort(x[crossing] + share * (next_x - x)[crossing])
        region[row] = np.searchsorted(crossings, centres, side="right") % 2 == 1
    return region
