"""What every method that gives a map does with it: the binary region, and what to say of a map without signal."""

from dataclasses import replace

import numpy as np

from misure_onnx.errors import require
from misure_onnx.mask import scaled_to_unit
from misure_onnx.methods.base import Attribution
from misure_onnx.types import SaliencyMap


def require_threshold(threshold: float) -> None:
    """Refuses a threshold outside [0, 1).

    Raises:
        ParameterError: it lies outside.
    """
    require(0 <= threshold < 1, f"threshold must lie in [0, 1), got {threshold}")


def of_map(saliency: SaliencyMap, threshold: float, silent: str) -> Attribution:
    """The region is the map, scaled to [0, 1] by its minimum and maximum, above the threshold.

    Args:
        saliency: (H, W), raw.
        threshold: in [0, 1).
        silent: the note for a map that is zero everywhere.
    """
    unit = scaled_to_unit(saliency)
    found = Attribution(saliency=saliency, soft_mask=unit, region=unit > threshold)
    return found if np.any(saliency) else replace(found, status="uninformative", notes=(silent,))
