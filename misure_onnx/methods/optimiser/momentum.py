"""Gradient descent with momentum on one numpy array, equal to torch's SGD."""

import numpy as np

from misure_onnx.types import FloatArray


class Momentum:
    """v <- momentum * v + (1 - dampening) * gradient (the first time: v <- gradient); values <- values - rate * v.

    Args:
        learning_rate: step size.
        momentum: in [0, 1).
        dampening: in [0, 1].
    """

    def __init__(self, learning_rate: float, momentum: float, dampening: float = 0.0) -> None:
        self._rate, self._momentum, self._dampening = learning_rate, momentum, dampening
        self._velocity: FloatArray | None = None

    def step(self, values: FloatArray, gradient: FloatArray) -> FloatArray:
        """The values after one step."""
        if self._velocity is None:
            self._velocity = gradient
        else:
            moved = self._momentum * self._velocity + (1 - self._dampening) * gradient
            self._velocity = np.asarray(moved, np.float32)
        return np.asarray(values - self._rate * self._velocity, np.float32)
