"""Whether a map predicts what removing pixels does to the model (Yeh et al. 2019)."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from misure_onnx.errors import require
from misure_onnx.metrics.base import MapCandidate, MapMetric, Measured
from misure_onnx.types import Mask


@dataclass(frozen=True)
class Infidelity(MapMetric):
    """Share of the model's changes that the map, scaled as well as possible, does not explain.

    Random squares are replaced by the method's baseline. With a_i the sum of the map over the pixels removed the i-th
    time, and d_i by how much the mean score of the class over the object fell,

        infidelity = min over b of mean((b a_i - d_i)^2) / mean(d_i^2)

    The scale b is free because maps of different methods have different units (Yeh et al. allow it); only a
    positive one counts, so that a map that points the wrong way gains nothing by it.

    Attributes:
        perturbations: how many times squares are removed.
        squares: at most so many at once.
    """

    summary: ClassVar[str] = "share of the model's changes under removed squares that the map does not predict"
    higher_is_better: ClassVar[bool] = False
    source: ClassVar[str] = "Yeh et al. 2019, infidelity with square removal, over mean(d^2)"

    perturbations: int = 100
    squares: int = 4

    def __post_init__(self) -> None:
        require(self.perturbations >= 2, f"perturbations must be at least 2, got {self.perturbations}")
        require(self.squares >= 1, f"squares must be at least 1, got {self.squares}")

    def measure(self, candidate: MapCandidate) -> Measured:
        """In [0, 1]: 0 = predicts every change, 1 = none."""
        size = candidate.saliency.shape
        whole = np.ones((1, *size), np.float32)
        masks = [*whole, *self._masks(size, np.random.default_rng(candidate.seed))]
        judged = candidate.judge(iter(masks), candidate.baseline_image(), many=True, value="mean_score")
        scores = np.array([score for _, score in judged])
        fell = scores[0] - scores[1:]
        removed = np.array([np.sum((1 - mask) * candidate.saliency, dtype=np.float64) for mask in masks[1:]])
        if not fell.any():
            return Measured(None, {"reason": "no removed square changed the model's scores on the object"})
        scale = max(0.0, float(removed @ fell) / float(removed @ removed)) if removed.any() else 0.0
        missed = float(np.square(scale * removed - fell).mean() / np.square(fell).mean())
        return Measured(missed, {"mean_change_of_score": float(fell.mean())})

    def _masks(self, size: tuple[int, ...], rng: np.random.Generator) -> Iterator[Mask]:
        """1 apart from up to `squares` squares, each with a side of an eighth to a half of the image's shorter one."""
        shorter = min(size)
        for _ in range(self.perturbations):
            mask = np.ones(size, np.float32)
            for _ in range(rng.integers(1, self.squares + 1)):
                side = int(rng.integers(max(1, shorter // 8), max(1, shorter // 2) + 1))
                row, column = rng.integers(0, size[0] - side + 1), rng.integers(0, size[1] - side + 1)
                mask[row : row + side, column : column + side] = 0
            yield mask
