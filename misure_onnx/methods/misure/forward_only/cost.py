"""What a search without gradients makes small."""

from dataclasses import dataclass
from typing import Self

import numpy as np

from misure_onnx.methods.misure.forward_only.cells import CellGrid
from misure_onnx.methods.optimiser.total_variation import total_variation
from misure_onnx.types import BoolArray, Region

_CONTOURS = 0.1


@dataclass(frozen=True)
class Cost:
    """The regularisers of eq. 1 in pixels, with beta = 1: area + smoothness_weight * TV * pixels of the image.

    Attributes:
        smoothness_weight: gamma over lambda.
    """

    smoothness_weight: float

    @classmethod
    def of(cls, smoothing: float) -> Self:
        """Contours cost something where `MiSuRe.smoothing` asks for coarse regions."""
        return cls(_CONTOURS if smoothing else 0.0)

    @staticmethod
    def finest_grid(mask_size: int, smoothing: float, target: Region) -> int:
        """Cells a side: at most `mask_size`, and none finer than what a Gaussian leaves, two standard deviations.

        Args:
            mask_size: as `MiSuRe` has it.
            smoothing: as `MiSuRe` has it, the deviation as a share of the object's side.
            target: (H, W) the object.
        """
        finest_cell = 2 * smoothing * int(target.sum()) ** (1 / target.ndim)
        return mask_size if finest_cell <= 1 else max(2, min(mask_size, round(max(target.shape) / finest_cell)))

    def __call__(self, grid: CellGrid, kept: BoolArray) -> float:
        """Of the kept cells (rows, columns)."""
        area = float(grid.kept_area(kept))
        if self.smoothness_weight == 0:
            return area
        variation, _ = total_variation(kept.astype(np.float32), 1)
        return area + self.smoothness_weight * variation * grid.pixels(grid.inside).size
