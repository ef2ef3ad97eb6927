"""What stands in for the model between masks: against the definition, and on functions that are known."""

import numpy as np
import pytest

from misure_onnx.methods.mask_surrogate import fit_surrogate
from misure_onnx.methods.random_masks import RandomMasks

D, LENGTH, RIDGE = 60, 2.0, 1e-2


def masks(n: int, seed: int = 0) -> np.ndarray:
    return np.asarray(np.random.default_rng(seed).random((n, D)) < 0.5, np.float32)


def of_three_places(points: np.ndarray) -> np.ndarray:
    """1 where the first two are kept, or the third alone: a function of three places out of D, and no sum."""
    kept = points > 0.5
    return np.asarray((kept[:, 0] & kept[:, 1]) | (kept[:, 2] & ~kept[:, 0]), np.float64)


def slow_kernel(first: np.ndarray, second: np.ndarray, weights: np.ndarray, typical: float) -> float:
    return float(np.exp(-np.sqrt(np.sum(weights * (first - second) ** 2) / typical) / LENGTH))


def test_one_round_is_kernel_ridge_regression_with_a_laplacian_kernel() -> None:
    points, values = masks(30), np.random.default_rng(1).random(30)
    weights = np.ones(D)
    typical = 2 * float((weights * points.var(axis=0)).sum())
    kernel = np.array([[slow_kernel(a, b, weights, typical) for b in points] for a in points])
    coefficients = np.linalg.inv(kernel + RIDGE * np.eye(30)) @ (values - values.mean())
    new = masks(5, seed=2)
    expected = [
        values.mean()
        + sum(c * slow_kernel(one, p, weights, typical) for c, p in zip(coefficients, points, strict=True))
        for one in new
    ]
    assert fit_surrogate(points, values, rounds=1)(new) == pytest.approx(np.array(expected), abs=1e-4)


def test_relevance_is_the_mean_square_of_the_derivative_of_all_that_other_masks_say() -> None:
    points = np.random.default_rng(0).random((40, D), np.float32)
    fitted = fit_surrogate(points, of_three_places(points), rounds=1)
    scale, coefficients, known = (a.astype(float) for a in (fitted.scale, fitted.coefficients, fitted.masks))

    def said_by_others(index: int, mask: np.ndarray) -> float:
        distances = np.linalg.norm(mask * scale - known, axis=1)
        return float(np.delete(coefficients * np.exp(-distances), index).sum())

    step = 1e-6 * np.eye(D)
    slopes = np.array(
        [
            [(said_by_others(k, p + step[place]) - said_by_others(k, p - step[place])) / 2e-6 for place in range(5)]
            for k, p in enumerate(points.astype(float))
        ]
    )
    assert fitted.relevance()[:5] == pytest.approx(np.mean(slopes**2, axis=0), rel=1e-3)


def test_it_learns_which_places_matter_and_predicts_masks_that_it_never_saw() -> None:
    points, new = masks(400), masks(400, seed=5)
    fitted, unlearned = (fit_surrogate(points, of_three_places(points), rounds=n) for n in (5, 1))
    errors = [float(np.mean((one(new) - of_three_places(new)) ** 2)) for one in (fitted, unlearned)]
    assert set(range(3)) <= set(fitted.places.tolist())
    assert len(fitted.places) < D / 2
    assert errors[0] < 0.05 * of_three_places(new).var() < errors[1]


@pytest.mark.parametrize("points", [masks(20), np.ones((20, D), np.float32)], ids=["masks", "equal masks"])
@pytest.mark.parametrize("values", [np.full(20, 0.7), np.arange(20) / 20], ids=["equal values", "values"])
def test_what_cannot_be_learned_is_the_mean(points: np.ndarray, values: np.ndarray) -> None:
    if np.ptp(points) and np.ptp(values):
        return
    assert fit_surrogate(points, values)(masks(3)) == pytest.approx(np.full(3, values.mean()))


@pytest.mark.parametrize("upsampling", ["nearest", "linear"])
@pytest.mark.parametrize("size", [(30, 37), (12, 20, 16)])
def test_the_covariance_over_new_masks_is_that_over_drawn_ones(size: tuple[int, ...], upsampling: str) -> None:
    drawn = RandomMasks(size, 4, 0.6, upsampling)  # type: ignore[arg-type]
    weights = np.random.default_rng(3).normal(size=8 ** len(size)).astype(np.float32)

    def value(points: np.ndarray) -> np.ndarray:
        linear = points @ weights / len(weights)
        return np.asarray(linear + linear**2, np.float32)

    source = drawn.drawn(np.random.default_rng(0))
    many = [next(source) for _ in range(6000)]
    numbers = value(np.stack([drawn.samples(mask) for mask in many])).astype(float)
    expected = np.tensordot(numbers - numbers.mean(), np.stack(many), axes=1) / len(many)
    found = drawn.covariance(value, np.random.default_rng(1), shifts=128)
    assert np.corrcoef(found.ravel(), expected.ravel())[0, 1] > 0.9
    assert found.std() == pytest.approx(expected.std(), rel=0.1)
