"""Logistic regression as numbers that can be written down: trained by scikit-learn, applied by numpy."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Numbers = npt.NDArray[np.float64]

PENALTY = 1.0
"""scikit-learn's C: the inverse weight of the squared coefficients of standardised features."""


@dataclass(frozen=True)
class Logistic:
    """P(right) = 1 / (1 + exp(-(intercept + sum_k coefficient_k (x_k - mean_k) / scale_k))).

    Attributes:
        means, scales: of the training examples; a missing number counts as the mean.
        coefficients: one a feature; the larger its absolute value, the more the feature says.
        intercept: at the mean of all features.
    """

    means: tuple[float, ...]
    scales: tuple[float, ...]
    coefficients: tuple[float, ...]
    intercept: float

    def probabilities(self, values: Numbers) -> Numbers:
        """(n, k) -> (n,) in [0, 1]."""
        score = _standardised(values, np.array(self.means), np.array(self.scales)) @ np.array(self.coefficients)
        return np.asarray(0.5 * (1 + np.tanh(0.5 * (score + self.intercept))), np.float64)


def fit(values: Numbers, right: npt.NDArray[np.bool_]) -> Logistic:
    """Trains on (n, k) numbers, NaN where missing, and (n,) answers, of which there are both kinds."""
    from sklearn.linear_model import LogisticRegression  # noqa: PLC0415 - the command line must start fast

    known = ~np.isnan(values)
    count = np.maximum(known.sum(axis=0), 1)
    means = np.where(known, values, 0).sum(axis=0) / count
    spread = np.sqrt((np.where(known, values - means, 0) ** 2).sum(axis=0) / count)
    scales = np.where(spread > 0, spread, 1.0)
    trained = LogisticRegression(C=PENALTY, max_iter=1000).fit(_standardised(values, means, scales), right)
    return Logistic(
        tuple(means.tolist()), tuple(scales.tolist()), tuple(trained.coef_[0].tolist()), float(trained.intercept_[0])
    )


def _standardised(values: Numbers, means: Numbers, scales: Numbers) -> Numbers:
    return np.asarray(np.nan_to_num((values - means) / scales, nan=0.0), np.float64)
