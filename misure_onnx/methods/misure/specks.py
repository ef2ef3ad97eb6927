"""Dropping the specks of a binary region that the model does not need."""

from collections.abc import Callable

import numpy as np

from misure_onnx.mask import component_sizes
from misure_onnx.types import Region


def without_specks(region: Region, passes: Callable[[Region], bool]) -> Region:
    """The region without its connected parts up to the largest size that the model can do without.

    Bisects over the sizes that there are, so it asks about log2(sizes) times; every accepted
    region has been asked about, whether or not more parts left means a better Dice.

    Args:
        region: (H, W) bool, which passes.
        passes: whether a region is still sufficient on the deployed model.
    """
    pixels = component_sizes(region)
    sizes = np.unique(pixels[region])
    kept, low, high = region, 0, len(sizes)
    while low < high:
        middle = (low + high + 1) // 2
        candidate = np.asarray(pixels > sizes[middle - 1])
        if passes(candidate):
            kept, low = candidate, middle
        else:
            high = middle - 1
    return kept
