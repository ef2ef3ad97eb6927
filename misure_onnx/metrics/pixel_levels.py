"""Small changes of a picture, in its own grey levels (0 to 255), at the network's input."""

import numpy as np
import numpy.typing as npt

from misure_onnx.preprocessing import Preprocessing
from misure_onnx.types import Images

Levels = npt.NDArray[np.int64]
"""(C, H, W) whole grey levels to add, in the order of the network's channels."""


def shifted(image: Images, levels: Levels, declared: Preprocessing) -> Images:
    """The image (1, C, H, W) with levels added; no pixel leaves 0 to 255 that was inside."""
    low, step = (np.asarray(values, np.float32)[:, None, None] for values in _scale(declared, image.shape[1]))
    bounds = np.stack([low, low + 255 * step])
    lowest = np.minimum(bounds.min(axis=0), image)
    highest = np.maximum(bounds.max(axis=0), image)
    return np.asarray(np.clip(image + levels * step, lowest, highest), np.float32)


def _scale(declared: Preprocessing, channels: int) -> tuple[list[float], list[float]]:
    """Of every channel: the input for level 0, and the change for one level."""
    mean, std = (values * channels if len(values) == 1 else values for values in (declared.mean, declared.std))
    low = [-m / s for m, s in zip(mean, std, strict=True)]
    return low, [declared.scale / s for s in std]
