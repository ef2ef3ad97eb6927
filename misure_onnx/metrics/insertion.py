"""Insertion and deletion: Dice while pixels are put in or taken out, the most salient first (RISE).

RISE takes the probability of a class; here it is the Dice of the target, as Gipiskis and Kurasova's deletion curves
do for segmentation. The curve has the points 0 and 1, and its area is the trapezoid rule's.
"""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from misure_onnx.errors import require
from misure_onnx.metrics.area_order import AreaOrder, dice_along, equal_steps
from misure_onnx.metrics.base import MapCandidate, MapMetric, Measured
from misure_onnx.perturbation import BASELINES


@dataclass(frozen=True)
class _AreaUnderCurve(MapMetric):
    """Mean over baselines of the area under Dice against the share of the image.

    Attributes:
        steps: equal areas that the image is cut into.
        draws: random orders of equally salient pixels.
        baselines: what is there instead of the pixels, a name each, with commas.
    """

    unit: ClassVar[str] = "mean Dice"
    removed: ClassVar[bool]

    steps: int = 20
    draws: int = 3
    baselines: str = "zero,mean,blur"

    def __post_init__(self) -> None:
        require(self.steps >= 2, f"steps must be at least 2, got {self.steps}")
        require(self.draws >= 1, f"draws must be at least 1, got {self.draws}")
        for name in self.baselines.split(","):
            require(name in BASELINES, f"baseline {name!r} is unknown; the known ones are {', '.join(BASELINES)}")

    def measure(self, candidate: MapCandidate) -> Measured:
        """In [0, 1]; the details hold the curve of every baseline."""
        from scipy.integrate import trapezoid  # noqa: PLC0415 - the command line must start fast

        order = AreaOrder(candidate.saliency, self.draws, candidate.seed)
        areas = equal_steps(candidate.saliency.size, self.steps)
        share = np.array(areas) / candidate.saliency.size
        curves = {
            name: dice_along(candidate, order, areas, candidate.baseline_image(name), removed=self.removed).dice
            for name in self.baselines.split(",")
        }
        under = {name: float(trapezoid(dice, share)) for name, dice in curves.items()}
        return Measured(
            float(np.mean(list(under.values()))), {"share": share.tolist(), "dice": curves, "by_baseline": under}
        )


@dataclass(frozen=True)
class Insertion(_AreaUnderCurve):
    """Starts from the baseline and puts in the most salient pixels first."""

    summary: ClassVar[str] = "area under the Dice while the most salient pixels are put in first"
    higher_is_better: ClassVar[bool] = True
    source: ClassVar[str] = "Petsiuk et al. 2018 (RISE), with the Dice as score"
    removed: ClassVar[bool] = False


@dataclass(frozen=True)
class Deletion(_AreaUnderCurve):
    """Starts from the image and takes out the most salient pixels first."""

    summary: ClassVar[str] = "area under the Dice while the most salient pixels are taken out first"
    higher_is_better: ClassVar[bool] = False
    source: ClassVar[str] = "Petsiuk et al. 2018 (RISE), with the Dice as score"
    removed: ClassVar[bool] = True
