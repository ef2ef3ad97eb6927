"""Masks that no model sees."""

import numpy as np
import pytest

from misure_onnx.methods.random_masks import RandomMasks


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


@pytest.mark.parametrize("cells", [4, 7, 8])
def test_at_one_half_every_two_cells_take_all_four_combinations_equally_often(cells: int) -> None:
    seen: list[np.ndarray] = []

    def value(points: np.ndarray) -> np.ndarray:
        seen.append(points)
        return np.zeros(len(points), np.float32)

    size = (cells * 2, cells * 2)  # two points a cell and axis: without a shift, each is a cell
    drawn = RandomMasks(size, cells, 0.5, "nearest")
    drawn.covariance(value, np.random.default_rng(0), shifts=1)
    signs = 2 * np.unique(seen[0], axis=1).astype(int) - 1
    assert len(signs) >= 128
    product = signs.T @ signs / len(signs)
    assert product == pytest.approx(np.eye(len(product)))
    assert signs.mean(axis=0) == pytest.approx(np.zeros(signs.shape[1]))


def test_balanced_grids_lose_less_to_chance_than_as_many_that_are_drawn_alone() -> None:
    weights = np.random.default_rng(3).normal(size=14**2).astype(np.float32)

    def error(keep: float) -> float:
        drawn = RandomMasks((28, 28), 7, keep, "linear")
        maps = [drawn.covariance(lambda points: points @ weights, np.random.default_rng(k), shifts=16) for k in (0, 1)]
        return float((maps[0] - maps[1]).std() / maps[0].std())

    assert error(0.5) < 0.7 * error(0.4999)
