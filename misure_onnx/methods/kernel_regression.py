"""Kernel ridge regression whose kernel learns which inputs matter, and that says what it would have answered unseen.

After each fit an input gets the mean square of the function's derivative by it as its weight in the distance of two
samples. This is the recursive feature machine of Radhakrishnan, Beaglehole, Pandit and Belkin (Science 383, 2024,
arXiv 2212.13881) with a diagonal matrix and their Laplacian kernel. That a value hangs on few inputs, and on several
of them together, is what it can learn and a mean cannot.
"""

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt
import scipy.linalg.lapack

from misure_onnx.types import FloatArray

_RELEVANT = 1e-3
_NEAREST = 1e-6
_EVERY = 2
"""Of the samples, at which the derivative is taken: half of them say the same in half of the time."""


@dataclass(frozen=True, eq=False)
class KernelRegression:
    """f(x) = mean + sum_i a_i exp(-d(x, x_i) / L), d the distance with a weight for each input; V values at once.

    Attributes:
        inputs: (P,) of the D inputs, those that have a weight.
        scale: (P,), roots of the weights over L.
        samples: (n, P), at these inputs, scaled.
        coefficients: a (n, V).
        mean: (V,) of the values.
        values: (n, V), what was fitted.
        factor: (n, n) of the kernel's matrix, by Cholesky; None: nothing varied.
    """

    inputs: npt.NDArray[np.intp]
    scale: FloatArray
    samples: FloatArray
    coefficients: FloatArray
    mean: FloatArray
    values: FloatArray
    factor: npt.NDArray[np.float64] | None

    def __call__(self, samples: FloatArray) -> FloatArray:
        """Values (k, V) of samples (k, D)."""
        if not self.coefficients.any():
            return np.tile(self.mean, (len(samples), 1))
        kernel = _kernel(_distances(samples[:, self.inputs] * self.scale, self.samples))
        return np.asarray(self.mean + kernel @ self.coefficients, np.float32)

    @cached_property
    def unseen(self) -> FloatArray:
        """(n, V), for each sample the answer of a regression that all the others were fitted to.

        Leaving a sample out misses its value by its coefficient over the diagonal of the matrix's inverse.
        """
        if self.factor is None:
            return np.tile(self.mean, (len(self.values), 1))
        inverse, _ = scipy.linalg.lapack.dpotri(self.factor, lower=True)
        return np.asarray(self.values - self.coefficients / np.diag(inverse)[:, None], np.float32)

    def only(self, columns: slice) -> "KernelRegression":
        """Of some of its values."""
        parts = {name: getattr(self, name)[..., columns] for name in ("coefficients", "mean", "values")}
        return dataclasses.replace(self, **parts)

    def relevance(self) -> FloatArray:
        """(P,): mean square of the derivative by each input, over every second sample, all values; up to a factor."""
        some = self.samples[::_EVERY]
        distances = _distances(some, self.samples)
        own = np.arange(len(some))
        distances[own, own * _EVERY] = np.inf  # the kernel has no derivative at a sample itself
        pull = _kernel(distances.copy())
        pull /= distances
        squares = np.zeros(len(self.inputs), np.float32)
        for coefficients in self.coefficients.T:
            towards = pull * coefficients
            derivative = towards @ self.samples - towards.sum(axis=1, keepdims=True) * some
            squares += np.einsum("np,np->p", derivative, derivative)
        return np.asarray(squares * self.scale**2, np.float32)


@dataclass(frozen=True)
class Settings:
    """How a kernel regression is fitted.

    Attributes:
        rounds: fits; between two of them the kernel learns, and inputs below a thousandth of the largest weight go.
        length: L, in root mean square distances of two samples.
        ridge: added to the kernel's diagonal, which is 1.
    """

    rounds: int
    length: float
    ridge: float


def fit_kernels(samples: FloatArray, values: Sequence[FloatArray], settings: Settings) -> list[KernelRegression]:
    """Of samples (n, D), of a similar scale in all inputs, and several groups of values (n, V): a kernel a group.

    The values of a group share a kernel; how much each counts in what it learns goes with their scales. Before anything
    is learned all groups have the same, which is worked out once.
    """
    count = samples.shape[1]
    unlearned = _fit(samples, np.concatenate(values, axis=1), np.arange(count), np.ones(count, np.float32), settings)
    ends = np.cumsum([group.shape[1] for group in values]).tolist()
    starts = [0, *ends[:-1]]
    return [
        _learned(samples, unlearned.only(slice(start, end)), settings) for start, end in zip(starts, ends, strict=True)
    ]


def _learned(samples: FloatArray, fitted: KernelRegression, settings: Settings) -> KernelRegression:
    for _ in range(settings.rounds - 1):
        if not fitted.coefficients.any():
            break
        weights = fitted.relevance()
        kept = weights > _RELEVANT * weights.max()
        fitted = _fit(samples, fitted.values, fitted.inputs[kept], weights[kept], settings)
    return fitted


def _fit(
    samples: FloatArray, values: FloatArray, inputs: npt.NDArray[np.intp], weights: FloatArray, settings: Settings
) -> KernelRegression:
    """Distances are measured in L times their root mean square, so that the weights' own scale does not count."""
    samples, mean = samples[:, inputs], np.asarray(values.mean(axis=0), np.float32)
    typical = 2 * float(weights @ samples.var(axis=0))
    if typical == 0 or not np.ptp(values, axis=0).any():
        return KernelRegression(inputs, weights, samples, np.zeros(values.shape, np.float32), mean, values, None)
    scale = np.asarray(np.sqrt(weights / typical) / settings.length, np.float32)
    scaled = samples * scale
    kernel = _kernel(_distances(scaled, scaled)).astype(np.float64).T  # columns together, as LAPACK has it: no copy
    kernel[np.diag_indices_from(kernel)] = 1 + settings.ridge
    factor, _ = scipy.linalg.cho_factor(kernel, lower=True, overwrite_a=True, check_finite=False)
    coefficients = scipy.linalg.cho_solve((factor, True), values - mean, check_finite=False)
    return KernelRegression(inputs, scale, scaled, np.asarray(coefficients, np.float32), mean, values, factor)


def _distances(some: FloatArray, others: FloatArray) -> FloatArray:
    """(k, n)."""
    squares: FloatArray = some @ (-2 * others.T)  # in place from here: these arrays are what fitting and asking cost
    squares += np.einsum("kd,kd->k", some, some)[:, None]
    squares += np.einsum("nd,nd->n", others, others)
    return np.sqrt(np.maximum(squares, _NEAREST**2, out=squares), out=squares)


def _kernel(distances: FloatArray) -> FloatArray:
    """exp(-d), in place."""
    return np.exp(np.negative(distances, out=distances), out=distances)
