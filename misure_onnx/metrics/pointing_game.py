"""Whether the most salient pixel lies on the object (Zhang et al. 2016)."""

from dataclasses import dataclass
from typing import ClassVar

import cv2
import numpy as np
from scipy import ndimage

from misure_onnx.errors import require
from misure_onnx.metrics.base import Measured, TruthCandidate, TruthMetric
from misure_onnx.types import Region

NO_TRUTH = "the ground truth has no pixel of the target"


@dataclass(frozen=True)
class PointingGame(TruthMetric):
    """1 where the map's maximum lies on the ground truth, 0 where not; of several maxima the share that does.

    Attributes:
        tolerance: pixels of the image that the maximum may lie beside it (Zhang et al.: 15, on photographs).
    """

    summary: ClassVar[str] = "whether the most salient pixel lies on the ground truth"
    higher_is_better: ClassVar[bool] = True
    source: ClassVar[str] = "Zhang et al. 2016 (excitation backprop), the pointing game"

    tolerance: int = 0

    def __post_init__(self) -> None:
        require(self.tolerance >= 0, f"tolerance must not be negative, got {self.tolerance}")

    def measure(self, candidate: TruthCandidate) -> Measured:
        """In [0, 1]."""
        if not candidate.truth.any():
            return Measured(None, {"reason": NO_TRUTH})
        maxima = candidate.saliency == candidate.saliency.max()
        return Measured(float(_within(candidate.truth, self.tolerance)[maxima].mean()))


def _within(region: Region, distance: int) -> Region:
    """The pixels at most `distance` from a region."""
    if distance == 0:
        return region
    if region.ndim == 3:
        return np.asarray(ndimage.distance_transform_edt(~region) <= distance)
    return np.asarray(cv2.distanceTransform((~region).astype(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_PRECISE) <= distance)
