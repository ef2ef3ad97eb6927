"""How well the model finds the target again in what the explanation keeps (MiSuRe section 3.4)."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from misure_onnx.metrics.base import Candidate, Measured, RegionMetric


@dataclass(frozen=True)
class DiceExplained(RegionMetric):
    """Hard Dice between the prediction on the image and on the image through the *binary* region (author's code)."""

    summary: ClassVar[str] = "Dice of the object that the model finds in the binary region alone"
    higher_is_better: ClassVar[bool] = True
    source: ClassVar[str] = "MiSuRe, section 3.4"

    def measure(self, candidate: Candidate) -> Measured:
        """In [0, 1]."""
        return Measured(candidate.dice(candidate.region.astype(np.float32)))


@dataclass(frozen=True)
class DiceExplainedSoft(RegionMetric):
    """The same through the *soft* mask, as eq. 2 multiplies it."""

    summary: ClassVar[str] = "the same through the soft mask"
    higher_is_better: ClassVar[bool] = True
    source: ClassVar[str] = "MiSuRe, eq. 2"

    def measure(self, candidate: Candidate) -> Measured:
        """In [0, 1]."""
        return Measured(candidate.dice(candidate.soft_mask))
