"""How much of a map lies on the object (Wang et al. 2020; Arras et al. 2022)."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from misure_onnx.metrics.base import Measured, TruthCandidate, TruthMetric
from misure_onnx.metrics.pointing_game import NO_TRUTH


@dataclass(frozen=True)
class MassInTruth(TruthMetric):
    """Sum of the map over the ground truth, over its sum over the image; negative values count as 0."""

    summary: ClassVar[str] = "share of the map's positive mass that lies on the ground truth"
    higher_is_better: ClassVar[bool] = True
    source: ClassVar[str] = "Wang et al. 2020 (energy-based pointing game); Arras et al. 2022 (relevance mass accuracy)"

    def measure(self, candidate: TruthCandidate) -> Measured:
        """In [0, 1]; the details have the share of the image that the ground truth covers, which chance reaches."""
        if not candidate.truth.any():
            return Measured(None, {"reason": NO_TRUTH})
        positive = np.maximum(candidate.saliency, 0).astype(np.float64)
        total = float(positive.sum())
        if total == 0:
            return Measured(None, {"reason": "the map has no positive value"})
        by_chance = float(candidate.truth.mean())
        return Measured(float(positive[candidate.truth].sum()) / total, {"by_chance": by_chance})
