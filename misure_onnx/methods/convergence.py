"""How far the map of a method that samples has converged."""

from typing import Any

import numpy as np
import numpy.typing as npt


def split_half_correlation(first: npt.NDArray[np.floating[Any]], second: npt.NDArray[np.floating[Any]]) -> float:
    """Pearson's correlation of the results of two halves of the samples, in [-1, 1]; 0 where one is constant."""
    if first.std() == 0 or second.std() == 0:
        return 0.0
    return float(np.corrcoef(first.ravel(), second.ravel())[0, 1])


def standard_error(first: npt.NDArray[np.floating[Any]], second: npt.NDArray[np.floating[Any]]) -> float:
    """Of the mean of two halves' maps: root mean square over the map, as a share of its standard deviation.

    The halves differ by twice the error of their mean. 0 where both are constant and equal, infinite where only the
    mean is constant.
    """
    error, spread = float(np.sqrt(np.mean((first - second) ** 2)) / 2), float(((first + second) / 2).std())
    return error / spread if spread else float("inf") if error else 0.0
