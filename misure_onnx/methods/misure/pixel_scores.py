"""Every pixel's score, and the mask of those with the highest ones."""

import math
from dataclasses import dataclass

import numpy as np

from misure_onnx.gradients.base import Evaluation
from misure_onnx.mask import MaskGrid, smoothed
from misure_onnx.methods.misure.sweep import Sweep
from misure_onnx.types import FloatArray, Mask, Region

BINARY_AT = 0.5
"""A pixel is kept where the soft mask is above this."""
JUST_KEPT = np.nextafter(np.float32(BINARY_AT), np.float32(1))
_FEWEST_PIXELS = 4
_FINEST = 0.3
"""Standard deviation in pixels below which a Gaussian does nothing."""


@dataclass(frozen=True, eq=False)
class KeptPixels:
    """A mask, and what it was made from.

    Attributes:
        region: the pixels kept.
        inside: those that could be.
        values: the scores of all pixels.
        threshold: of the kept ones; None: all inside are, whatever their scores.
    """

    region: Region
    inside: Region
    values: FloatArray
    threshold: float | None

    def soft(self) -> Mask:
        """(H, W) in [0, 1]: a logistic function of the score, above `BINARY_AT` exactly where a pixel is kept."""
        if self.threshold is None:
            return self.inside.astype(np.float32)
        spread = float(self.values[self.inside].std()) or 1.0
        above = np.clip((self.values - self.threshold) / spread, -30, 30)
        soft = 1 / (1 + np.exp(-above))
        soft[above >= 0] = np.maximum(soft[above >= 0], JUST_KEPT)
        return np.asarray(soft * self.inside, np.float32)


class PixelScores:
    """Scores of the pixels inside a region and the area that is kept."""

    def __init__(self, inside: Region, sweep: Sweep, prior: FloatArray | None) -> None:
        self._sweep, self._inside = sweep, inside
        self._grid = MaskGrid(sweep.grid_size, inside.shape)
        self._values: FloatArray = np.zeros(inside.shape, np.float32) if prior is None else prior * inside
        self._most = int(inside.sum())
        self._area = float(self._most)
        self._smoothing = sweep.smoothing
        # With n kinds of baseline every kind is seen every n-th step: the area must move more slowly.
        self._pace = 1 / math.sqrt(len(sweep.groups))
        self._descent = sweep.descent

    def kept(self) -> KeptPixels:
        """Everything: the first mask."""
        return KeptPixels(self._inside, self._inside, self._values, None)

    def add(self, evaluation: Evaluation) -> None:
        """One more gradient; masks made before keep the scores that they were made from."""
        self._values = self._values - self._direction(evaluation.gradient)

    def step(self, worst: float) -> KeptPixels:
        """Moves the area and gives the next mask."""
        if worst <= self._sweep.tau:
            self._descent = 1.0
        change = self._pace * self._descent * area_step(worst, self._sweep.tau)
        self._area = min(max(self._area * math.exp(change), _FEWEST_PIXELS), self._most)
        scores = self._values[self._inside]
        rank = max(0, self._most - int(self._area))
        # Where several pixels have the same score (those the model does not see: none), they stay or go together.
        threshold = float(np.sort(scores)[rank])  # where many are equal, faster than partitioning
        return KeptPixels(np.asarray((self._values >= threshold) & self._inside), self._inside, self._values, threshold)

    def refine(self) -> None:
        """Smooths half as much from now on."""
        self._smoothing /= 2

    def _direction(self, gradient: FloatArray) -> FloatArray:
        """The gradient inside the region, smoothed, at unit root mean square."""
        inside = np.asarray(gradient * self._inside, np.float32)
        if self._smoothing >= _FINEST:
            inside = smoothed(inside, self._smoothing)
        smooth = self._grid.upsample(self._grid.pull_back(inside)) * self._inside
        scale = math.sqrt(float(np.square(smooth, dtype=np.float64).sum()) / self._most)
        return np.asarray(smooth / scale if scale > 0 else smooth, np.float32)


def area_step(dice: float, tau: float) -> float:
    """Change of log(area): -8 to -28 % while the mask passes, +1 to +11 % while it does not."""
    room = min(1.0, max(-1.5, (dice - tau) / (1 - tau)))
    return -0.08 - 0.2 * room if room > 0 else 0.01 - 0.065 * room  # without the 1 % tau would only be approached
