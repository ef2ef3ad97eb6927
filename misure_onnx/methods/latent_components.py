"""Many numbers a sample, told by few: the directions in which samples differ most, or that go with a value."""

import numpy as np
import numpy.typing as npt

from misure_onnx.types import FloatArray

_CONSTANT = 1e-2
"""Of the largest deviation: a number that varies less is noise, and is not stretched to the size of the others."""


def principal_components(numbers: FloatArray, count: int) -> FloatArray:
    """(n, at most `count`) of numbers (n, F): principal components with their own spread, together of deviation 1."""
    centred = numbers - numbers.mean(axis=0)
    left, singular, _ = np.linalg.svd(centred, full_matrices=False)
    components = left[:, :count] * singular[:count]
    return np.asarray(_unit(components), np.float32)


def components_towards(numbers: FloatArray, value: npt.NDArray[np.float64], count: int) -> FloatArray:
    """(n, `count`) of numbers (n, F): partial least squares of one value (n,) (Wold 1975), each of deviation 1 or 0.

    The numbers are brought to the same deviation first.
    """
    rest, value = np.asarray(numbers - numbers.mean(axis=0), np.float64), value - value.mean()
    deviations = rest.std(axis=0)
    rest = rest / np.where(deviations > _CONSTANT * deviations.max(initial=0), deviations, np.inf)
    components = np.zeros((len(numbers), count))
    for column in components.T:
        component = rest @ (rest.T @ value)
        squares = component @ component
        if squares == 0:
            break
        rest = rest - np.outer(component, rest.T @ component / squares)
        value = value - component * (component @ value / squares)
        column[:] = _unit(component)
    return np.asarray(components, np.float32)


def _unit(components: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    deviation = components.std()
    return components / deviation if deviation else components
