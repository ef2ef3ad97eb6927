"""The three ways in which COCO writes a mask (https://cocodataset.org/#format-data), as arrays.

Polygons; run lengths as a list, column by column, the first run being of zeros; and these lengths as text: each number
is the difference to the one two before it (from the fourth on), in groups of five bits, least significant first, a
sixth bit saying that more follow, each group a character from code 48 on; the fifth bit of the last group is the sign.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np

from misure_onnx.types import BoolArray

_FIRST_CODE, _MORE, _SIGN, _BITS = 48, 0x20, 0x10, 5


def decode_mask(segmentation: Any, height: int, width: int) -> BoolArray:
    """An annotation's `segmentation` as (H, W) bool.

    Raises:
        ValueError: it is none of the three, or of another size than the image.
    """
    if isinstance(segmentation, list):
        return _polygons(segmentation, height, width)
    if not isinstance(segmentation, dict) or not {"counts", "size"} <= set(segmentation):
        raise ValueError(f"expected polygons, or run lengths with counts and size; got {str(segmentation)[:60]}")
    if list(segmentation["size"]) != [height, width]:
        raise ValueError(f"the mask is {segmentation['size']} (height, width), the image [{height}, {width}]")
    counts = segmentation["counts"]
    return _runs(decode_counts(counts) if isinstance(counts, str) else counts, height, width)


def decode_counts(text: str) -> list[int]:
    """Run lengths from their text.

    Raises:
        ValueError: it ends within a number.
    """
    counts: list[int] = []
    value, shift = 0, 0
    for character in text:
        group = ord(character) - _FIRST_CODE
        value |= (group & (_MORE - 1)) << shift
        shift += _BITS
        if group & _MORE:
            continue
        if group & _SIGN:
            value -= 1 << shift
        counts.append(value + counts[-2] if len(counts) > 2 else value)
        value, shift = 0, 0
    if shift:
        raise ValueError(f"the run lengths {text!r} end within a number")
    return counts


def _runs(counts: Sequence[int], height: int, width: int) -> BoolArray:
    if min(counts, default=0) < 0 or sum(counts) != height * width:
        raise ValueError(f"run lengths sum to {sum(counts)}, the image has {height * width} pixels")
    values = np.arange(len(counts)) % 2 == 1
    return np.repeat(values, counts).reshape(width, height).T.copy()


def _polygons(polygons: Sequence[Sequence[float]], height: int, width: int) -> BoolArray:
    """Every pixel whose centre lies in one of them.

    COCO's own tools round corners to fifths of a pixel first: along a border single pixels may differ.
    """
    mask = np.zeros((height, width), bool)
    for polygon in polygons:
        if len(polygon) < 6 or len(polygon) % 2:
            raise ValueError(f"a polygon needs three points (x, y) or more, got {len(polygon)} numbers")
        mask |= _polygon(np.asarray(polygon, np.float64).reshape(-1, 2), height, width)
    return mask


def _polygon(points: Any, height: int, width: int) -> BoolArray:
    """A centre is inside if a ray to its left crosses the border an odd number of times."""
    mask = np.zeros((height, width), bool)
    centres = np.arange(width) + 0.5
    x, y = points.T
    next_x, next_y = np.roll(points, -1, axis=0).T
    first, last = max(0, int(y.min())), min(height, int(y.max()) + 1)
    for row in range(first, last):
        crossing = (y <= row + 0.5) != (next_y <= row + 0.5)
        share = (row + 0.5 - y[crossing]) / (next_y - y)[crossing]
        crossings = np.sort(x[crossing] + share * (next_x - x)[crossing])
        mask[row] = np.searchsorted(crossings, centres, side="right") % 2 == 1
    return mask
