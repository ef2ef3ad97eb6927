"""The kernel regression: against its definition, and on functions that are known."""

import numpy as np
import pytest

from misure_onnx.methods.kernel_regression import KernelRegression, Settings, fit_kernels
from misure_onnx.types import FloatArray

D, LENGTH, RIDGE = 60, 2.0, 1e-2
ONCE, OFTEN = Settings(1, LENGTH, RIDGE), Settings(5, LENGTH, RIDGE)


def fit_kernel(samples: FloatArray, values: FloatArray, settings: Settings) -> KernelRegression:
    (fitted,) = fit_kernels(samples, [values], settings)
    return fitted


def masks(n: int, seed: int = 0) -> np.ndarray:
    return np.asarray(np.random.default_rng(seed).random((n, D)) < 0.5, np.float32)


def of_three_places(points: np.ndarray) -> FloatArray:
    """(n, 1), 1 where the first two are kept, or the third alone: a function of three places out of D, and no sum."""
    kept = points > 0.5
    return np.asarray((kept[:, 0] & kept[:, 1]) | (kept[:, 2] & ~kept[:, 0]), np.float32)[:, None]


def slow_kernel(first: np.ndarray, second: np.ndarray, weights: np.ndarray, typical: float) -> float:
    return float(np.exp(-np.sqrt(np.sum(weights * (first - second) ** 2) / typical) / LENGTH))


def slow_kernels(points: np.ndarray) -> tuple[np.ndarray, float]:
    typical = 2 * float(points.var(axis=0).sum())
    return np.array([[slow_kernel(a, b, np.ones(D), typical) for b in points] for a in points]), typical


def test_one_round_is_kernel_ridge_regression_of_every_value_with_a_laplacian_kernel() -> None:
    points, values, new = masks(30), np.random.default_rng(1).random((30, 2)).astype(np.float32), masks(5, seed=2)
    kernel, typical = slow_kernels(points)
    asked = np.array([[slow_kernel(one, p, np.ones(D), typical) for p in points] for one in new])
    coefficients = np.linalg.inv(kernel + RIDGE * np.eye(30)) @ (values - values.mean(axis=0))
    expected = values.mean(axis=0) + asked @ coefficients
    assert fit_kernel(points, values, ONCE)(new) == pytest.approx(expected, abs=1e-4)


def test_the_unseen_answer_is_that_of_all_other_samples() -> None:
    points, values = masks(30), np.random.default_rng(1).random((30, 2)).astype(np.float32)
    kernel, _ = slow_kernels(points)
    mean, unseen = values.mean(axis=0), np.empty((30, 2))
    for k in range(30):
        others = np.delete(np.arange(30), k)
        system = kernel[np.ix_(others, others)] + RIDGE * np.eye(29)
        unseen[k] = mean + kernel[k, others] @ np.linalg.solve(system, values[others] - mean)
    assert fit_kernel(points, values, ONCE).unseen == pytest.approx(unseen, abs=1e-4)


def test_relevance_is_the_mean_square_of_the_derivative_of_all_that_other_samples_say() -> None:
    points = np.random.default_rng(0).random((40, D), np.float32)
    values = np.concatenate([of_three_places(points), points[:, 3:4]], axis=1)
    fitted = fit_kernel(points, values, ONCE)
    scale, coefficients, known = (a.astype(float) for a in (fitted.scale, fitted.coefficients, fitted.samples))

    def said_by_others(index: int, sample: np.ndarray) -> np.ndarray:
        distances = np.linalg.norm(sample * scale - known, axis=1)
        said: np.ndarray = np.delete(coefficients * np.exp(-distances)[:, None], index, axis=0).sum(axis=0)
        return said

    step = 1e-6 * np.eye(D)
    slopes = np.array(
        [
            [(said_by_others(k, points[k] + step[i]) - said_by_others(k, points[k] - step[i])) / 2e-6 for i in range(5)]
            for k in range(0, 40, 2)
        ]
    )
    assert fitted.relevance()[:5] == pytest.approx((slopes**2).sum(axis=(0, 2)), rel=1e-3)


def test_it_learns_which_inputs_matter_and_predicts_samples_that_it_never_saw() -> None:
    points, new = masks(400), masks(400, seed=5)
    fitted, unlearned = (fit_kernel(points, of_three_places(points), settings) for settings in (OFTEN, ONCE))
    errors = [float(np.mean((one(new) - of_three_places(new)) ** 2)) for one in (fitted, unlearned)]
    assert set(range(3)) <= set(fitted.inputs.tolist())
    assert len(fitted.inputs) < D / 2
    assert errors[0] < 0.05 * of_three_places(new).var() < errors[1]


@pytest.mark.parametrize(
    ("points", "values"),
    [
        (masks(20), np.full((20, 2), 0.7, np.float32)),
        (np.ones((20, D), np.float32), np.arange(40, dtype=np.float32).reshape(20, 2)),
    ],
    ids=["equal values", "equal samples"],
)
def test_what_cannot_be_learned_is_the_mean(points: FloatArray, values: FloatArray) -> None:
    fitted = fit_kernel(points, values, OFTEN)
    assert fitted(masks(3)) == pytest.approx(np.tile(values.mean(axis=0), (3, 1)))
    assert fitted.unseen == pytest.approx(np.tile(values.mean(axis=0), (20, 1)))


def test_groups_have_kernels_of_their_own() -> None:
    points = masks(200)
    groups = [of_three_places(points), np.asarray(points[:, 10:12], np.float32)]
    together = fit_kernels(points, groups, OFTEN)
    for fitted, values in zip(together, groups, strict=True):
        alone = fit_kernel(points, values, OFTEN)
        assert np.array_equal(fitted.inputs, alone.inputs)
        assert fitted(masks(5, seed=2)) == pytest.approx(alone(masks(5, seed=2)), abs=1e-3)
    assert {10, 11} <= set(together[1].inputs.tolist())
