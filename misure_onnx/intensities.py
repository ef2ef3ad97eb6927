"""What the values of a channel look like: for bringing measurements into a range, and for showing them."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from misure_onnx.types import AnyArray

_SHOWN = (1, 99)
"""Percentiles that become black and white."""


@dataclass(frozen=True)
class Intensities:
    """A channel's values over the whole image or volume, before any crop.

    Attributes:
        low, high, mean, std: of all values.
        foreground_mean, foreground_std: of those that are not 0.
    """

    low: float
    high: float
    mean: float
    std: float
    foreground_mean: float
    foreground_std: float


def intensities(channel: AnyArray) -> Intensities:
    """Those of an array of any shape."""
    whole = channel.astype(np.float64)
    foreground = whole[whole != 0]
    mean, std = (float(foreground.mean()), float(foreground.std())) if foreground.size else (0.0, 0.0)
    return Intensities(float(whole.min()), float(whole.max()), float(whole.mean()), float(whole.std()), mean, std)


def stretched(channel: AnyArray) -> npt.NDArray[np.uint8]:
    """The channel for display; 1 % of its values are cut off at black, 1 % at white."""
    low, high = np.percentile(channel, _SHOWN)
    return np.asarray(np.clip((channel - low) / max(float(high - low), 1e-30), 0, 1) * 255, np.uint8)
