"""How much a map changes when the picture hardly does (Yeh et al. 2019)."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from misure_onnx.errors import require
from misure_onnx.metrics.base import Measured, Rerun, RerunMetric
from misure_onnx.metrics.pixel_levels import shifted


@dataclass(frozen=True)
class MaxSensitivity(RerunMetric):
    """max over random perturbations of |map(perturbed) - map| / |map|, in the Euclidean norm.

    Every pixel and channel is shifted by a whole number of grey levels, uniform between -radius and radius. The target
    stays the one of the unperturbed picture.

    Attributes:
        radius: grey levels of 255 (the usual 0.02 is five).
        perturbations: how many; the method is run once for each.
    """

    summary: ClassVar[str] = "largest relative change of the map under small noise on the picture"
    higher_is_better: ClassVar[bool] = False
    source: ClassVar[str] = "Yeh et al. 2019, max-sensitivity, over the norm of the map"

    radius: int = 5
    perturbations: int = 10

    def __post_init__(self) -> None:
        require(1 <= self.radius <= 255, f"radius must be from 1 to 255 grey levels, got {self.radius}")
        require(self.perturbations >= 1, f"perturbations must be at least 1, got {self.perturbations}")

    def measure(self, rerun: Rerun) -> Measured:
        """At least 0; the details hold every perturbation's."""
        norm = float(np.linalg.norm(rerun.saliency))
        if norm == 0:
            return Measured(None, {"reason": "the map is zero everywhere, so a change has nothing to be compared with"})
        rng, changes = np.random.default_rng(rerun.seed), []
        for _ in range(self.perturbations):
            levels = rng.integers(-self.radius, self.radius + 1, rerun.image.shape[1:])
            perturbed = shifted(rerun.image, levels, rerun.segmenter.spec.preprocessing)
            changes.append(float(np.linalg.norm(rerun.explain(image=perturbed) - rerun.saliency)) / norm)
        return Measured(max(changes), {"changes": changes})
