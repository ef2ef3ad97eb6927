"""What a search without gradients makes small."""

from dataclasses import dataclass

import numpy as np

from misure_onnx.methods.misure.forward_only.cells import CellGrid
from misure_onnx.methods.misure.total_variation import total_variation
from misure_onnx.types import BoolArray


@dataclass(frozen=True)
class Cost:
    """The regularisers of eq. 1 in pixels: area + smoothness_weight * TV * pixels of the image.

    Attributes:
        smoothness_weight: gamma over lambda, as the constrained gradient routes have it.
        smoothness_exponent: beta.
    """

    smoothness_weight: float
    smoothness_exponent: float

    def __call__(self, grid: CellGrid, kept: BoolArray) -> float:
        """Of the kept cells (rows, columns)."""
        area = float(grid.kept_area(kept))
        if self.smoothness_weight == 0:
            return area
        variation, _ = total_variation(kept.astype(np.float32), self.smoothness_exponent)
        return area + self.smoothness_weight * variation * grid.pixels(grid.inside).size
