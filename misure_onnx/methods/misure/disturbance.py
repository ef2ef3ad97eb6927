"""Disturbing what the model sees while a mask is optimised, so that the mask does not live on single pixels."""

from dataclasses import dataclass

import numpy as np

from misure_onnx.types import Images

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
