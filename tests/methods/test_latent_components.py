"""Components: against scikit-learn, and where there is nothing to be told."""

import numpy as np
import pytest
from sklearn.cross_decomposition import PLSRegression
from sklearn.decomposition import PCA

from misure_onnx.methods.latent_components import components_towards, principal_components
from misure_onnx.types import FloatArray


def numbers(n: int = 50) -> FloatArray:
    rng = np.random.default_rng(0)
    return np.asarray(rng.normal(size=(n, 5)) @ rng.normal(size=(5, 12)) + rng.normal(size=(n, 12)), np.float32)


def test_principal_components_are_those_of_scikit_learn_with_one_scale_for_all() -> None:
    found, expected = principal_components(numbers(), 4), PCA(4).fit_transform(numbers())
    expected = expected / expected.std()
    signs = np.sign((found * expected).sum(axis=0))
    assert found * signs == pytest.approx(expected, abs=1e-4)


def test_components_towards_a_value_are_partial_least_squares() -> None:
    value = np.asarray(numbers()[:, 3] + numbers()[:, 7] ** 2, np.float64)
    found = components_towards(numbers(), value, 3)
    expected = PLSRegression(3).fit(numbers(), value).x_scores_
    expected = expected / expected.std(axis=0)
    signs = np.sign((found * expected).sum(axis=0))
    assert found * signs == pytest.approx(expected, abs=1e-3)


def test_a_number_that_hardly_varies_is_not_stretched() -> None:
    noisy = np.column_stack([numbers(), 1e-5 * np.random.default_rng(1).normal(size=50)]).astype(np.float32)
    value = np.asarray(noisy[:, -1] * 1e5, np.float64)
    assert components_towards(noisy, value, 2) == pytest.approx(components_towards(numbers(), value, 2), abs=1e-4)


@pytest.mark.parametrize("many", [np.ones((6, 4), np.float32), np.zeros((6, 4), np.float32)])
def test_of_constants_all_components_are_zero(many: FloatArray) -> None:
    assert not principal_components(many, 2).any()
    assert not components_towards(many, np.arange(6.0), 2).any()
    assert not components_towards(numbers(6), np.ones(6), 2).any()
