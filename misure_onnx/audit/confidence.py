"""How sure the model is of what it predicts, from its own probabilities: what reliability is compared with."""

from dataclasses import dataclass

import numpy as np

from misure_onnx.scores import Head
from misure_onnx.types import Region, Scores

_TINY = 1e-12


@dataclass(frozen=True)
class Confidence:
    """Means over the predicted pixels.

    Attributes:
        max_probability: of the likeliest class; of an independent class, of the likelier of yes and no.
        entropy: in units of its largest value, log(classes), or log(2) of an independent class.
    """

    max_probability: float
    entropy: float


def confidence(head: Head, scores: Scores, class_index: int, region: Region) -> Confidence | None:
    """Of one class on a region (H, W); None for label maps, which say nothing about it, and for empty regions.

    Args:
        head: what the scores are.
        scores: (1, L, H, W).
        class_index: the class.
        region: its predicted pixels.
    """
    if head.kind == "labels" or not region.any():
        return None
    probabilities = head.probabilities(scores)[0][:, region].astype(np.float64)
    if not head.exclusive:
        own = probabilities[class_index]
        probabilities = np.stack([own, 1 - own])
    entropies = -(probabilities * np.log(probabilities + _TINY)).sum(axis=0) / np.log(len(probabilities))
    return Confidence(float(probabilities.max(axis=0).mean()), float(np.clip(entropies, 0, 1).mean()))
