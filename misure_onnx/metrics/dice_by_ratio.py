"""The whole curve of which Dice explained and perturbation ratio are one point."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from misure_onnx.errors import require
from misure_onnx.metrics.area_order import AreaOrder, dice_along, equal_steps
from misure_onnx.metrics.base import MapCandidate, MapMetric, Measured


@dataclass(frozen=True)
class DiceByRatio(MapMetric):
    """Mean Dice explained over perturbation ratios from 0 to `largest_ratio`.

    The most salient pixels are kept and the method's own baseline replaces the others, for areas in equal steps.
    Two methods can be compared at the same ratio, whatever thresholds they have.

    Attributes:
        largest_ratio: where the curve ends, in object areas; the whole image where that is smaller.
        steps: equal areas.
        draws: random orders of equally salient pixels, whose mean is taken.
    """

    summary: ClassVar[str] = "mean Dice while up to twice the object's area of the most salient pixels is kept"
    higher_is_better: ClassVar[bool] = True
    unit: ClassVar[str] = "mean Dice"
    source: ClassVar[str] = "MiSuRe, section 3.4, for every area"

    largest_ratio: float = 2.0
    steps: int = 20
    draws: int = 3

    def __post_init__(self) -> None:
        require(self.largest_ratio > 0, f"largest_ratio must be positive, got {self.largest_ratio}")
        require(self.steps >= 2, f"steps must be at least 2, got {self.steps}")
        require(self.draws >= 1, f"draws must be at least 1, got {self.draws}")

    def measure(self, candidate: MapCandidate) -> Measured:
        """In [0, 1]; the details hold the curve, and how far the draws lie apart."""
        from scipy.integrate import trapezoid  # noqa: PLC0415 - the command line must start fast

        end = min(round(self.largest_ratio * candidate.pixels), candidate.saliency.size)
        areas = list(dict.fromkeys(equal_steps(end, self.steps)))
        order = AreaOrder(candidate.saliency, self.draws, candidate.seed)
        curve = dice_along(candidate, order, areas, candidate.baseline_image())
        ratio = np.array(areas) / candidate.pixels
        mean = float(trapezoid(curve.dice, ratio) / ratio[-1])
        return Measured(mean, {"ratio": ratio.tolist(), "dice": curve.dice, "spread_of_draws": curve.spread})
