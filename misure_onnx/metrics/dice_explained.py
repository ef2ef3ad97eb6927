"""How well the model finds the target again in what the explanation keeps (MiSuRe section 3.4)."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from misure_onnx.metrics.base import Candidate


@dataclass(frozen=True)
class DiceExplained:
    """Hard Dice between the prediction on the image and on the image through the *binary* region (author's code)."""

    higher_is_better: ClassVar[bool] = True

    def measure(self, candidate: Candidate) -> float:
        """In [0, 1]."""
        return candidate.dice(candidate.region.astype(np.float32))


@dataclass(frozen=True)
class DiceExplainedSoft:
    """The same through the *soft* mask, as eq. 2 multiplies it."""

    higher_is_better: ClassVar[bool] = True

    def measure(self, candidate: Candidate) -> float:
        """In [0, 1]."""
        return candidate.dice(candidate.soft_mask)
