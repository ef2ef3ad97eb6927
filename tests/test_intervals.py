"""Bootstrap over groups: known answers, and coverage where the truth is known."""

from collections.abc import Callable

import numpy as np
import numpy.typing as npt
import pytest

from misure_onnx.intervals import Weights, bootstrap_interval, weighted_median


def median_of(values: list[float], weights: list[int]) -> float | None:
    array = np.array(values)
    return weighted_median(array, np.argsort(array), np.array(weights))


def mean_of(values: npt.NDArray[np.float64]) -> Callable[[Weights], float]:
    return lambda weights: float(np.average(values, weights=weights))


def test_a_weighted_median_is_the_median_of_the_repeated_values() -> None:
    rng = np.random.default_rng(0)
    for _ in range(50):
        values, weights = rng.normal(size=7), rng.integers(0, 4, 7)
        weights[0] += 1
        expected = np.median(np.repeat(values, weights))
        assert median_of(values.tolist(), weights.tolist()) == pytest.approx(expected)
    assert median_of([1.0], [0]) is None


def test_the_interval_of_a_mean_covers_it_as_often_as_it_says() -> None:
    rng, covered = np.random.default_rng(1), 0
    for trial in range(100):
        values = rng.normal(size=40)
        interval = bootstrap_interval(mean_of(values), range(40), seed=trial, draws=400)
        assert interval is not None
        covered += interval[0] <= 0 <= interval[1]
    assert 86 <= covered <= 100


def test_values_of_one_group_are_drawn_together() -> None:
    """Copies of a value in the same group add nothing: the interval is that of one value a group."""
    values = np.array([1.0, 2, 3, 5, 8])
    once = bootstrap_interval(mean_of(values), range(5))
    copies = np.repeat(values, 10)
    many = bootstrap_interval(mean_of(copies), np.repeat(range(5), 10).tolist())
    assert once is not None
    assert many is not None
    assert many == pytest.approx(once)


def test_it_is_the_same_for_the_same_seed_and_absent_for_a_single_group() -> None:
    values = np.random.default_rng(0).normal(size=6)
    drawn = [bootstrap_interval(lambda w: float(w @ values), range(6), seed=s) for s in (3, 3, 4)]
    assert drawn[0] == drawn[1] != drawn[2]
    assert bootstrap_interval(lambda w: float(w @ values), ["one"] * 6) is None
    assert bootstrap_interval(lambda _: None, range(6)) is None
