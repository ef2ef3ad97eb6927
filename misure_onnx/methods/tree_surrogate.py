"""Trees as a stand-in for the model: where several places must be seen together, they jump as the model does.

Extremely randomised trees (Geurts, Ernst and Wehenkel, Machine Learning 63, 2006). Leaves average masks that differ,
so that the forest's answers are drawn towards the mean; by how much is learned from masks that a forest has not seen.
"""

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from misure_onnx.types import FloatArray

_TREES, _LEAST_IN_A_LEAF, _PLACES_A_SPLIT = 30, 4, 0.5

Answers = Callable[[FloatArray], FloatArray]
"""Masks (k, D) -> values (k,)."""


def fit_trees(masks: FloatArray, values: npt.NDArray[np.float64]) -> tuple[Answers, Answers, Answers]:
    """Of all masks (n, D) with their values (n,), of the even and of the odd ones; all stretched alike.

    The forests of the two halves answer for each other's masks, and the values' slope over these answers is the
    factor by which all three stretch their deviations.
    """
    whole, even, odd = (
        _forest(masks[part], values[part]) for part in (slice(None), slice(0, None, 2), slice(1, None, 2))
    )
    unseen = np.empty(len(values))
    unseen[0::2], unseen[1::2] = odd(masks[0::2]), even(masks[1::2])
    factor = slope(unseen, values)
    return _stretched(whole, factor), _stretched(even, factor), _stretched(odd, factor)


def slope(answers: npt.NDArray[np.float64], values: npt.NDArray[np.float64]) -> float:
    """Of the straight line from answers to values, least squares; 1 where it is not positive, or nothing varies."""
    deviations = answers - answers.mean()
    spread = float(deviations @ deviations)
    found = float(deviations @ values) / spread if spread > 0 else 1.0
    return found if found > 0 else 1.0


def _forest(masks: FloatArray, values: npt.NDArray[np.float64]) -> Answers:
    from sklearn.ensemble import ExtraTreesRegressor  # noqa: PLC0415 - half a second that nobody else needs

    forest = ExtraTreesRegressor(
        _TREES, min_samples_leaf=_LEAST_IN_A_LEAF, max_features=_PLACES_A_SPLIT, random_state=0
    ).fit(masks, values)
    return lambda others: np.asarray(forest.predict(others), np.float32)


def _stretched(answers: Answers, factor: float) -> Answers:
    """A covariance does not ask for the level."""
    return lambda masks: np.asarray(factor * answers(masks), np.float32)
