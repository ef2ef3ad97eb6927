"""How much of the image the explanation keeps, in units of the object (MiSuRe section 3.4)."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from misure_onnx.metrics.base import Candidate, Measured, RegionMetric


@dataclass(frozen=True)
class PerturbationRatio(RegionMetric):
    """Pixels kept over pixels of the predicted target, at the network's size; at least 0, 1 = the object's area."""

    summary: ClassVar[str] = "area of the binary region over the object's"
    higher_is_better: ClassVar[bool] = False
    unit: ClassVar[str] = "object areas"
    source: ClassVar[str] = "MiSuRe, section 3.4"

    def measure(self, candidate: Candidate) -> Measured:
        """A target always has at least one pixel, so the ratio is finite."""
        return Measured(int(np.count_nonzero(candidate.region)) / int(np.count_nonzero(candidate.target.region)))
