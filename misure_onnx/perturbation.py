"""What replaces the pixels that a mask removes. One function a baseline, one line in `BASELINES`.

Baselines live in the network's input space: x' = x * M + b * (1 - M). `zero` is therefore the paper's
Hadamard product (eq. 2), which is mean grey after ImageNet normalisation and black for raw pixels.
"""

import math
from collections.abc import Callable

import numpy as np

from misure_onnx.errors import ParameterError
from misure_onnx.mask import smoothed
from misure_onnx.types import FloatArray, Images

Baseline = Callable[[Images, np.random.Generator], Images]

BLUR_SIGMA_SHARE = 0.06
"""Standard deviation of the blur, as a share of the longer side."""


def blend(image: Images, masks: FloatArray, baseline: Images | None) -> Images:
    """Blends x * M + b * (1 - M): image and baseline (1, C, H, W), masks (N, H, W) in [0, 1] -> (N, C, H, W).

    Bit for bit the image where M = 1 and the baseline where M = 0, which b + (x - b) * M would not be. A baseline of
    None is zero, for callers who know.
    """
    kept = masks[:, None]
    blended = image * kept
    if baseline is not None and baseline.any():
        blended += baseline * (1 - kept)
    return blended


def _zero(image: Images, rng: np.random.Generator) -> Images:
    del rng
    return np.zeros_like(image)


def _mean(image: Images, rng: np.random.Generator) -> Images:
    """Every channel's mean over the image."""
    del rng
    axes = tuple(range(2, image.ndim))
    return np.broadcast_to(image.mean(axis=axes, keepdims=True), image.shape).astype(np.float32)


def _blur(image: Images, rng: np.random.Generator) -> Images:
    """Gaussian blur with a standard deviation of `BLUR_SIGMA_SHARE` of the longer side."""
    del rng
    sigma = BLUR_SIGMA_SHARE * max(image.shape[2:])
    return np.stack([smoothed(channel, sigma) for channel in image[0]])[None].astype(np.float32)


def _noise(image: Images, rng: np.random.Generator) -> Images:
    """Independent Gaussian noise with every channel's mean and standard deviation, within its range."""
    planes, as_image = image.reshape(*image.shape[:2], -1), (*image.shape[:2], *[1] * (image.ndim - 2))
    low, high, mean, deviation = (
        measure(axis=2).reshape(as_image) for measure in (planes.min, planes.max, planes.mean, planes.std)
    )
    return np.asarray(np.clip(rng.normal(mean, deviation, image.shape), low, high), np.float32)


def _shuffle(image: Images, rng: np.random.Generator) -> Images:
    """The image's own pixels in random order: its exact colours, no shapes."""
    order = rng.permutation(math.prod(image.shape[2:]))
    return np.ascontiguousarray(image.reshape(*image.shape[:2], -1)[..., order].reshape(image.shape))


BASELINES: dict[str, Baseline] = {
    "zero": _zero,
    "mean": _mean,
    "blur": _blur,
    "noise": _noise,
    "shuffle": _shuffle,
}


def make_baseline(name: str, image: Images, rng: np.random.Generator) -> Images:
    """The baseline (1, C, H, W) for an image.

    Raises:
        ParameterError: no such baseline.
    """
    if name not in BASELINES:
        raise ParameterError(f"baseline {name!r} is unknown; the known ones are {', '.join(BASELINES)}")
    return BASELINES[name](image, rng)
