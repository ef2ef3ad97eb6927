"""Small changes of a picture, in its own grey levels (0 to 255), at the network's input.

Voxels of a volume have no such range: there a level is 1/255 of the range of each channel.
"""

import numpy as np
import numpy.typing as npt

from misure_onnx.preprocessing import Preprocessing
from misure_onnx.types import Images

Levels = npt.NDArray[np.int64]
"""(C, H, W) whole grey levels to add, in the order of the network's channels."""


def shifted(image: Images, levels: Levels, declared: Preprocessing) -> Images:
    """The image (1, C, H, W) with levels added; no pixel leaves 0 to 255 that was inside."""
    scale = _scale(declared, image.shape[1]) if image.ndim == 4 else _own_scale(image)
    as_image = (-1, *[1] * (image.ndim - 2))
    low, step = (np.asarray(values, np.float32).reshape(as_image) for values in scale)
    bounds = np.stack([low, low + 255 * step])
    lowest = np.minimum(bounds.min(axis=0), image)
    highest = np.maximum(bounds.max(axis=0), image)
    return np.asarray(np.clip(image + levels * step, lowest, highest), np.float32)


def _own_scale(image: Images) -> tuple[list[float], list[float]]:
    """The same of a volume: its smallest value, and 1/255 of the way to its largest."""
    channels = [(float(channel.min()), float(channel.max())) for channel in image[0]]
    return [low for low, _ in channels], [(high - low) / 255 for low, high in channels]


def _scale(declared: Preprocessing, channels: int) -> tuple[list[float], list[float]]:
    """Of every channel: the input for level 0, and the change for one level."""
    mean, std = (values * channels if len(values) == 1 else values for values in (declared.mean, declared.std))
    low = [-m / s for m, s in zip(mean, std, strict=True)]
    return low, [declared.scale / s for s in std]
