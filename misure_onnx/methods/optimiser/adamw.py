"""AdamW (Loshchilov and Hutter 2019) on one numpy array, equal to torch's; the mask is optimised without torch."""

import numpy as np

from misure_onnx.types import FloatArray

_BETA_1, _BETA_2 = 0.9, 0.999


class AdamW:
    """Adam with decoupled weight decay.

    Args:
        learning_rate: step size.
        weight_decay: torch's default is 0.01.
        epsilon: added to the root of the second moment; torch's default 1e-8 is as large as the
            gradient of an averaged penalty at a megapixel, so a smaller one keeps large images alike.
    """

    def __init__(self, learning_rate: float, weight_decay: float, epsilon: float) -> None:
        self._rate, self._decay, self._epsilon = learning_rate, weight_decay, epsilon
        self._steps = 0
        self._mean: FloatArray | float = 0.0
        self._square: FloatArray | float = 0.0

    def step(self, values: FloatArray, gradient: FloatArray) -> FloatArray:
        """The values after one step."""
        self._steps += 1
        self._mean = np.asarray(_BETA_1 * self._mean + (1 - _BETA_1) * gradient, np.float32)
        self._square = np.asarray(_BETA_2 * self._square + (1 - _BETA_2) * gradient * gradient, np.float32)
        mean = self._mean / (1 - _BETA_1**self._steps)
        root = np.sqrt(self._square / (1 - _BETA_2**self._steps))
        decayed = values * (1 - self._rate * self._decay)
        return np.asarray(decayed - self._rate * mean / (root + self._epsilon), np.float32)
