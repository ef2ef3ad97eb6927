"""What stands in for the model between masks, on functions that are known."""

import numpy as np
import numpy.typing as npt
import pytest

from misure_onnx.methods.kernel_regression import Settings, fit_kernels
from misure_onnx.methods.mask_surrogate import fit_surrogate, within_fence
from misure_onnx.types import FloatArray

D = 60
Values = npt.NDArray[np.float64]


def masks(n: int, seed: int = 0) -> FloatArray:
    return np.asarray(np.random.default_rng(seed).random((n, D)) < 0.5, np.float32)


def confidence(points: FloatArray) -> FloatArray:
    """(n, 4): how sure a model is in four places, each by some of the mask's places, and by one that all share."""
    return np.stack([points[:, 5 * k : 5 * k + 5].sum(axis=1) - 2 + points[:, -1] for k in range(4)], axis=1)


def found(points: FloatArray) -> Values:
    """The share of the four places where it is sure enough, and nothing where the first two are not."""
    sure = confidence(points) > 0.5
    return np.asarray(sure.mean(axis=1) * (sure[:, 0] | sure[:, 1]), np.float64)


def explained(answers: FloatArray, truth: Values) -> float:
    """Share of the truth's variance, but for a constant."""
    miss = (answers - answers.mean()) - (truth - truth.mean())
    return 1 - float(np.mean(miss**2) / truth.var())


def test_what_is_known_place_by_place_tells_more_than_the_dice_alone() -> None:
    points, new = masks(200), masks(1000, seed=5)
    both = fit_surrogate(points, found(points), np.tanh(confidence(points)))
    (dice_alone,) = fit_kernels(points, [np.asarray(found(points)[:, None], np.float32)], Settings(5, 2.0, 1e-2))
    assert explained(both(new), found(new)) > 0.75
    assert explained(both(new), found(new)) > explained(dice_alone(new)[:, 0], found(new)) + 0.1


def test_where_the_places_say_nothing_the_dice_alone_is_learned() -> None:
    points, new = masks(400), masks(400, seed=5)
    truth = np.asarray(points[:, 0] * points[:, 1], np.float64)
    fitted = fit_surrogate(points, truth, np.zeros((400, 8), np.float32))
    assert explained(fitted(new), np.asarray(new[:, 0] * new[:, 1], np.float64)) > 0.8


def test_one_mask_that_loses_everything_does_not_bend_what_the_others_teach() -> None:
    points, new = masks(200), masks(1000, seed=5)
    usual = 0.95 + 0.01 * found(points)
    lost = usual.copy()
    lost[0] = 0
    for dice in (usual, lost):
        fitted = fit_surrogate(points, dice, np.tanh(confidence(points)))
        assert explained(fitted(new), 0.95 + 0.01 * found(new)) > 0.7


def test_the_fence_leaves_what_is_usual_and_brings_outliers_back() -> None:
    usual = np.linspace(0.9, 1.0, 100)
    assert np.array_equal(within_fence(usual), usual)
    lost = np.r_[usual, 0.0]
    fenced = within_fence(lost)
    assert np.array_equal(fenced[:-1], usual)
    lower, upper = np.quantile(lost, [0.05, 0.95])
    assert fenced[-1] == pytest.approx(lower - 2 * (upper - lower))


def test_where_nothing_else_varies_outliers_are_what_is_learned() -> None:
    mostly_whole = np.r_[np.ones(99), 0.0]
    assert np.array_equal(within_fence(mostly_whole), mostly_whole)


@pytest.mark.parametrize("n", [1, 2, 5])
def test_of_few_masks_answers_are_finite(n: int) -> None:
    answers = fit_surrogate(masks(n), np.linspace(0, 1, n), np.zeros((n, 8), np.float32))(masks(3))
    assert answers.shape == (3,)
    assert np.isfinite(answers).all()


def test_of_equal_masks_with_equal_dice_nothing_is_learned() -> None:
    answers = fit_surrogate(np.ones((5, D), np.float32), np.ones(5), np.zeros((5, 8), np.float32))(masks(3))
    assert np.array_equal(answers, np.zeros(3))
