"""Disturbing what the model sees while a mask is optimised, so that the mask does not live on single pixels."""

from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt

from misure_onnx.types import Images

Pixels = TypeVar("Pixels", bound=npt.NDArray[Any])
Shift = tuple[int, ...]
"""Pixels along each axis."""


@dataclass(frozen=True, eq=False)
class Disturbance:
    """Another one in every step, the same in every run.

    Attributes:
        jitter: the mask is moved by up to so many pixels along each axis.
        noise: standard deviation of Gaussian noise on the network's input, as a share of each channel's range.
        image: (1, C, H, W), without noise.
        seed: of both.
    """

    jitter: int
    noise: float
    image: Images
    seed: int

    def at(self, step: int) -> tuple[Shift, Images | None]:
        """How the mask is moved, and the noisy image; None: the image as it is."""
        rng = np.random.default_rng((self.seed, step))
        shift = tuple(int(n) for n in rng.integers(-self.jitter, self.jitter + 1, self.image.ndim - 2))
        if not self.noise:
            return shift, None
        spread = np.ptp(self.image, axis=tuple(range(2, self.image.ndim)), keepdims=True)
        noise = rng.standard_normal(self.image.shape, np.float32) * np.float32(self.noise) * spread
        return shift, np.asarray(self.image + noise, np.float32)


def moved(values: Pixels, shift: Shift) -> Pixels:
    """(H, W) moved; what leaves the image is lost, what enters is 0."""
    result: Pixels = np.roll(values, shift, tuple(range(values.ndim)))
    for axis, pixels in enumerate(shift):
        if pixels:
            entered = slice(0, pixels) if pixels > 0 else slice(pixels, None)
            result[(slice(None),) * axis + (entered,)] = 0
    return result
