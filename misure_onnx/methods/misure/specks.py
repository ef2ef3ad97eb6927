"""Dropping the specks of a binary region that the model does not need."""

from collections.abc import Callable

import numpy as np

from misure_onnx.mask import ranked_components
from misure_onnx.types import Region


def without_specks(region: Region, passes: Callable[[Region], bool]) -> Region:
    """The region without as many of its smallest connected parts as the model can do without.

    Bisects how many of the smallest parts can go, so it asks about log2(parts) times; every accepted
    region has been asked about, whether or not more parts left means a better Dice.

    Args:
        region: (H, W) bool, which passes.
        passes: whether a region is still sufficient on the deployed model.
    """
    ranks = ranked_components(region)
    parts = int(ranks.max(initial=0))
    kept, low, high = region, 0, parts
    while low < high:
        middle = (low + high + 1) // 2
        candidate = np.asarray(region & (ranks <= parts - middle))
        if passes(candidate):
            kept, low = candidate, middle
        else:
            high = middle - 1
    return kept
