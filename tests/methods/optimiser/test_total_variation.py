"""Total variation by its definition, and its gradient by central differences."""

import numpy as np
import pytest

from misure_onnx.methods.optimiser.total_variation import total_variation


@pytest.mark.parametrize("exponent", [1.0, 2.0, 3.0])
def test_the_value_is_the_mean_of_neighbouring_differences(exponent: float) -> None:
    grid = np.random.default_rng(0).random((4, 6)).astype(np.float32)
    down = [abs(grid[i + 1, j] - grid[i, j]) ** exponent for i in range(3) for j in range(6)]
    across = [abs(grid[i, j + 1] - grid[i, j]) ** exponent for i in range(4) for j in range(5)]
    assert total_variation(grid, exponent)[0] == pytest.approx(np.mean(down) + np.mean(across), rel=1e-5)


@pytest.mark.parametrize("exponent", [1.0, 2.0, 3.0])
@pytest.mark.parametrize("shape", [(4, 6), (1, 5), (5, 1), (1, 1)])
def test_the_gradient_is_the_central_difference(exponent: float, shape: tuple[int, int]) -> None:
    grid = np.random.default_rng(1).random(shape)
    gradient = total_variation(grid.astype(np.float32), exponent)[1]
    step = 1e-3
    for index in np.ndindex(shape):
        plus, minus = grid.copy(), grid.copy()
        plus[index] += step
        minus[index] -= step
        values = [total_variation(g.astype(np.float64), exponent)[0] for g in (plus, minus)]
        assert gradient[index] == pytest.approx((values[0] - values[1]) / (2 * step), abs=1e-4)


def test_a_flat_grid_has_neither_variation_nor_gradient() -> None:
    value, gradient = total_variation(np.full((3, 3), 0.7, np.float32), 1.0)
    assert value == 0
    assert not gradient.any()
