"""As few of a sweep's best pixels as the model can do with."""

import numpy as np

from misure_onnx.methods.misure.pixel_scores import BINARY_AT, JUST_KEPT
from misure_onnx.methods.sufficiency import Passes
from misure_onnx.types import Mask, Region

_HALVINGS = 6
_FURTHEST = 0.5
"""Areas between this share of the present one and the present one are tried."""


def tightened(region: Region, scores: Mask, passes: Passes) -> tuple[Region, Mask]:
    """Bisects how many of the pixels with the highest scores are kept; every accepted region has passed.

    A sweep over several baselines sees one of them a step, so that the smallest mask it notes down is rarely the
    smallest that its scores can give.

    Args:
        region: (H, W) bool, which passes; none but a smaller one is returned instead.
        scores: (H, W) in [0, 1], the sweep's soft mask.
        passes: whether a region is sufficient on the deployed model.

    Returns:
        The region, and the scores moved (on the logistic scale) such that they are above `BINARY_AT` exactly there.
    """
    best, threshold = region, None
    in_order = np.sort(scores, axis=None)[::-1]
    low, high = _FURTHEST * int(region.sum()), float(region.sum())
    for _ in range(_HALVINGS):
        area = (low + high) / 2
        level = in_order[int(area)]
        candidate = np.asarray(scores > level)
        # Where several pixels have the level, another area asks about the same ones again.
        if level == threshold or (0 < level < 1 and passes(candidate)):
            best, threshold, high = candidate, level, area
        else:
            low = area
    return best, scores if threshold is None else _moved(scores, best, threshold)


def _moved(scores: Mask, kept: Region, level: np.float32) -> Mask:
    """sigmoid(logit(s) - logit(level))."""
    odds = float((1 - level) / level)
    moved = scores * np.float32(odds) / (scores * np.float32(odds) + (1 - scores))
    at = np.where(kept, np.maximum(moved, JUST_KEPT), np.minimum(moved, np.float32(BINARY_AT)))
    return np.asarray(at, np.float32)
