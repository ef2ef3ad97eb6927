"""How much of the image a map lets through (Mullan and Sonka 2022)."""

from dataclasses import dataclass
from typing import ClassVar

from misure_onnx.mask import scaled_to_unit
from misure_onnx.metrics.base import MapCandidate, MapMetric, Measured


@dataclass(frozen=True)
class ImagePreserved(MapMetric):
    """Mean of the map scaled to [0, 1]; not the share of pixels above 0, which MiSuRe makes of it."""

    summary: ClassVar[str] = "mean of the map scaled to [0, 1]"
    higher_is_better: ClassVar[bool] = False
    source: ClassVar[str] = "Mullan and Sonka 2022, image preserved"

    def measure(self, candidate: MapCandidate) -> Measured:
        """In [0, 1]."""
        return Measured(float(scaled_to_unit(candidate.saliency).mean(dtype="float64")))
