"""A stand-in for the model: from a few hundred masks and their values to the value of any other mask.

Kernel ridge regression whose kernel learns which places matter: after each fit a place gets the mean square of the
function's derivative by it as its weight in the distance of two masks. This is the recursive feature machine of
Radhakrishnan, Beaglehole, Pandit and Belkin (Science 383, 2024, arXiv 2212.13881) with a diagonal matrix and their
Laplacian kernel. That the value of a mask hangs on few places, and on several of them together, is what it can
learn and a mean cannot.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import scipy.linalg

from misure_onnx.types import FloatArray

_ROUNDS = 5
_LENGTH, _RIDGE = 2.0, 1e-2
"""Both matter little: twice the length, or a hundredth of the ridge, change the map's error by 3 % or less."""
_RELEVANT = 1e-3
_NEAREST = 1e-6


@dataclass(frozen=True, eq=False)
class MaskSurrogate:
    """f(m) = mean + sum_i a_i exp(-d(m, m_i) / L), d the distance with a weight for each place.

    Attributes:
        places: (P,) of the D places of a mask, those that have a weight.
        scale: (P,), roots of the weights over L.
        masks: (n, P), at these places, scaled.
        coefficients: a (n,).
        mean: of the values.
    """

    places: npt.NDArray[np.intp]
    scale: FloatArray
    masks: FloatArray
    coefficients: FloatArray
    mean: float

    def __call__(self, masks: FloatArray) -> FloatArray:
        """Values (k,) of masks (k, D)."""
        if not self.coefficients.any():
            return np.full(len(masks), self.mean, np.float32)
        kernel = _kernel(_distances(masks[:, self.places] * self.scale, self.masks))
        return np.asarray(self.mean + kernel @ self.coefficients, np.float32)

    def relevance(self) -> FloatArray:
        """(P,): mean square of the derivative by each place, over the masks; up to a factor."""
        distances = _distances(self.masks, self.masks)
        np.fill_diagonal(distances, np.inf)  # the kernel has no derivative at a mask itself
        pull = _kernel(distances.copy())
        pull /= distances
        pull *= self.coefficients
        derivative = pull @ self.masks - pull.sum(axis=1, keepdims=True) * self.masks
        return np.asarray(np.mean((derivative * self.scale) ** 2, axis=0), np.float32)


def fit_surrogate(masks: FloatArray, values: npt.NDArray[np.float64], rounds: int = _ROUNDS) -> MaskSurrogate:
    """Of masks (n, D) in [0, 1] and their values (n,); places below a thousandth of the largest weight are left out."""
    fitted = _fit(masks, values, np.arange(masks.shape[1]), np.ones(masks.shape[1], np.float32))
    for _ in range(rounds - 1):
        if not fitted.coefficients.any():
            break
        weights = fitted.relevance()
        kept = weights > _RELEVANT * weights.max()
        fitted = _fit(masks, values, fitted.places[kept], weights[kept])
    return fitted


def _fit(
    masks: FloatArray, values: npt.NDArray[np.float64], places: npt.NDArray[np.intp], weights: FloatArray
) -> MaskSurrogate:
    """Distances are measured in L times their root mean square, so that the weights' own scale does not count."""
    masks, mean = masks[:, places], float(values.mean())
    typical = 2 * float(weights @ masks.var(axis=0))
    if typical == 0 or np.ptp(values) == 0:
        return MaskSurrogate(places, weights, masks, np.zeros(len(masks), np.float32), mean)
    scale = np.asarray(np.sqrt(weights / typical) / _LENGTH, np.float32)
    scaled = masks * scale
    kernel = _kernel(_distances(scaled, scaled)).astype(np.float64).T  # columns together, as LAPACK has it: no copy
    kernel[np.diag_indices_from(kernel)] = 1 + _RIDGE
    factor = scipy.linalg.cho_factor(kernel, overwrite_a=True, check_finite=False)
    coefficients = scipy.linalg.cho_solve(factor, values - mean, check_finite=False)
    return MaskSurrogate(places, scale, scaled, np.asarray(coefficients, np.float32), mean)


def _distances(some: FloatArray, others: FloatArray) -> FloatArray:
    """(k, n)."""
    squares: FloatArray = some @ (-2 * others.T)  # in place from here: these arrays are what fitting and asking cost
    squares += np.einsum("kd,kd->k", some, some)[:, None]
    squares += np.einsum("nd,nd->n", others, others)
    return np.sqrt(np.maximum(squares, _NEAREST**2, out=squares), out=squares)


def _kernel(distances: FloatArray) -> FloatArray:
    """exp(-d), in place."""
    return np.exp(np.negative(distances, out=distances), out=distances)
