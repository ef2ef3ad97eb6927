"""How much of the image the explanation keeps, in units of the object (MiSuRe section 3.4)."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from misure_onnx.metrics.base import Candidate


@dataclass(frozen=True)
class PerturbationRatio:
    """Pixels kept over pixels of the predicted target, at the network's size; at least 0, 1 = the object's area."""

    higher_is_better: ClassVar[bool] = False

    def measure(self, candidate: Candidate) -> float:
        """A target always has at least one pixel, so the ratio is finite."""
        return int(np.count_nonzero(candidate.region)) / int(np.count_nonzero(candidate.target.region))
