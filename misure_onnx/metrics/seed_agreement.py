"""Whether a method says the same again with another seed."""

from dataclasses import dataclass
from itertools import combinations
from typing import ClassVar

import numpy as np

from misure_onnx.errors import require
from misure_onnx.metrics.agreement import map_agreement
from misure_onnx.metrics.base import Measured, Rerun, RerunMetric


@dataclass(frozen=True)
class SeedAgreement(RerunMetric):
    """Mean Spearman correlation of the maps of every two seeds; 1 for methods without random choices.

    Attributes:
        runs: further seeds, beside the explanation's own.
    """

    summary: ClassVar[str] = "Spearman correlation between maps of different seeds"
    higher_is_better: ClassVar[bool] = True
    unit: ClassVar[str] = "Spearman correlation"
    source: ClassVar[str] = "mean pairwise rank correlation (Spearman 1904)"

    runs: int = 3

    def __post_init__(self) -> None:
        require(self.runs >= 1, f"runs must be at least 1, got {self.runs}")

    def measure(self, rerun: Rerun) -> Measured:
        """In [-1, 1]; the details hold every pair's, the explanation's own seed first."""
        others = [rerun.explain(seed=rerun.seed + offset) for offset in range(1, self.runs + 1)]
        pairs = [map_agreement(first, second) for first, second in combinations([rerun.saliency, *others], 2)]
        return Measured(float(np.mean(pairs)), {"pairs": pairs})
