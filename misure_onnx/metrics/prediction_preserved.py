"""What is left of the prediction when the image is multiplied by the map (Mullan and Sonka 2022).

p is the class's probability on the image, q on the image through the map scaled to [0, 1], with soft values (removed
pixels become the method's baseline). Both are taken over the target's domain.
"""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import numpy.typing as npt

from misure_onnx.mask import scaled_to_unit
from misure_onnx.metrics.base import MapCandidate, MapMetric, Measured
from misure_onnx.perturbation import blend
from misure_onnx.types import Images

_Vector = npt.NDArray[np.float64]


@dataclass(frozen=True)
class PredictionPreserved(MapMetric):
    """sum min(p, q) / sum p: a recall, so that more prediction than before is no fault."""

    summary: ClassVar[str] = "share of the class's probability that is left through the soft map"
    higher_is_better: ClassVar[bool] = True
    source: ClassVar[str] = "Mullan and Sonka 2022, prediction preserved"

    def measure(self, candidate: MapCandidate) -> Measured:
        """In [0, 1]."""
        before, through = _probabilities(candidate)
        return Measured(float(np.minimum(before, through).sum() / before.sum()))


@dataclass(frozen=True)
class ExcessPrediction(MapMetric):
    """sum max(q - p, 0) / sum p: what prediction preserved does not see."""

    summary: ClassVar[str] = "probability that the soft map adds, over what was there"
    higher_is_better: ClassVar[bool] = False
    source: ClassVar[str] = "Mullan and Sonka, excess prediction (package AttributionQuality)"

    def measure(self, candidate: MapCandidate) -> Measured:
        """At least 0."""
        before, through = _probabilities(candidate)
        return Measured(float(np.maximum(through - before, 0).sum() / before.sum()))


def _probabilities(candidate: MapCandidate) -> tuple[_Vector, _Vector]:
    """p and q as vectors in double precision; p is above 0 somewhere, since the target was predicted."""
    masked = blend(candidate.image, scaled_to_unit(candidate.saliency)[None], candidate.baseline_image())
    before, through = (_of_class(candidate, images) for images in (candidate.image, masked))
    return before, through


def _of_class(candidate: MapCandidate, images: Images) -> _Vector:
    scores = candidate.segmenter.predict(images)
    own = candidate.target.probability(scores, candidate.segmenter.spec.head)[0]
    return np.asarray(own[candidate.target.domain], np.float64)
