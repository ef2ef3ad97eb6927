"""A mask that cannot be finer than a kernel: the smooth maximum of a grid under it."""

import math

import numpy as np
import numpy.typing as npt

from misure_onnx.types import FloatArray

_TEMPERATURE = 1 / 20
_REACH = 2.5
"""The kernel is cut off at so many standard deviations."""


class SmoothMaximum:
    """m(u) = smax_v k(u - v) g(v) over the neighbours v of a cell u, with its gradient.

    Extremal perturbations' parametrisation (Fong, Patrick, Vedaldi 2019, section 3.3): smax f = sum f e^(f/T) / sum
    e^(f/T) with T = 1/20, so a cell near 1 lifts all its surroundings and a mask has no detail finer than k. Here k is
    a Gaussian with k(0) = 1; the result is divided by what a grid of ones gives, so that it reaches 1. Cells beyond
    the border count as 0.

    Args:
        deviation: standard deviation of k in cells.
    """

    def __init__(self, deviation: float) -> None:
        self._reach = max(1, math.ceil(_REACH * deviation))
        span = range(-self._reach, self._reach + 1)
        kernel = {(y, x): math.exp(-(y * y + x * x) / (2 * deviation**2)) for y in span for x in span}
        self._kernel = {shift: k for shift, k in kernel.items() if k >= math.exp(-(_REACH**2) / 2)}
        weights = {shift: k * math.exp(k / _TEMPERATURE) for shift, k in self._kernel.items()}
        self._full = sum(weights.values()) / sum(math.exp(k / _TEMPERATURE) for k in self._kernel.values())

    def forward(self, grid: FloatArray) -> FloatArray:
        """(h, w) in [0, 1] -> (h, w)."""
        weighted, total = self._sums(grid)
        return np.asarray(weighted / total / self._full, np.float32)

    def pull_back(self, grid: FloatArray, gradient: FloatArray) -> FloatArray:
        """Gradient by the result at `grid` -> gradient by the grid."""
        weighted, total = self._sums(grid)
        highest, upstream = weighted / total, gradient / total / self._full
        padded = np.pad(grid, self._reach)
        result = np.zeros(padded.shape)
        for shift, k in self._kernel.items():
            window = self._window(shift, grid.shape)
            value = k * padded[window]
            slope = np.exp(value / _TEMPERATURE) * (1 + (value - highest) / _TEMPERATURE)
            result[window] += upstream * slope * k
        return np.asarray(result[self._window((0, 0), grid.shape)], np.float32)

    def _sums(self, grid: FloatArray) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
        padded = np.pad(grid, self._reach)
        weighted, total = np.zeros(grid.shape), np.zeros(grid.shape)
        for shift, k in self._kernel.items():
            value = k * padded[self._window(shift, grid.shape)]
            power = np.exp(value / _TEMPERATURE)
            weighted += value * power
            total += power
        return weighted, total

    def _window(self, shift: tuple[int, int], shape: tuple[int, ...]) -> tuple[slice, slice]:
        top, left = self._reach + shift[0], self._reach + shift[1]
        return slice(top, top + shape[0]), slice(left, left + shape[1])
