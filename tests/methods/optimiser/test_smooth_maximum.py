"""The smooth maximum against its formula written out cell by cell, and its gradient against central differences."""

import math

import numpy as np
import pytest

from misure_onnx.methods.optimiser.smooth_maximum import SmoothMaximum
from misure_onnx.types import FloatArray

GRID = np.random.default_rng(0).random((7, 9)).astype(np.float32)


def by_formula(grid: FloatArray, deviation: float) -> np.ndarray[tuple[int, ...], np.dtype[np.float64]]:
    """smax_v k(u - v) g(v) over |u - v| <= 2.5 deviations, 0 beyond the border, over what a grid of ones gives."""
    reach = math.ceil(2.5 * deviation)
    shifts = [(y, x) for y in range(-reach, reach + 1) for x in range(-reach, reach + 1)]
    shifts = [s for s in shifts if math.hypot(*s) <= 2.5 * deviation + 1e-9]

    def smax(values: list[float]) -> float:
        powers = [math.exp(20 * value) for value in values]
        return sum(v * p for v, p in zip(values, powers, strict=True)) / sum(powers)

    kernel = {s: math.exp(-(s[0] ** 2 + s[1] ** 2) / (2 * deviation**2)) for s in shifts}
    result = np.zeros(grid.shape)
    for row in range(grid.shape[0]):
        for column in range(grid.shape[1]):
            values = []
            for (y, x), k in kernel.items():
                inside = 0 <= row + y < grid.shape[0] and 0 <= column + x < grid.shape[1]
                values.append(k * float(grid[row + y, column + x]) if inside else 0.0)
            result[row, column] = smax(values)
    return result / smax(list(kernel.values()))


@pytest.mark.parametrize("deviation", [1.0, 2.0])
def test_every_cell_is_the_smooth_maximum_of_its_surroundings(deviation: float) -> None:
    assert SmoothMaximum(deviation).forward(GRID) == pytest.approx(by_formula(GRID, deviation), abs=1e-5)


def test_a_grid_of_ones_gives_one_and_of_zeros_zero() -> None:
    ones = SmoothMaximum(2.0).forward(np.ones((30, 30), np.float32))
    assert ones[15, 15] == pytest.approx(1, abs=1e-6)
    assert not SmoothMaximum(2.0).forward(np.zeros((8, 8), np.float32)).any()


def test_a_single_cell_lifts_its_surroundings() -> None:
    grid = np.zeros((21, 21), np.float32)
    grid[10, 10] = 1
    lifted = SmoothMaximum(2.0).forward(grid)
    assert lifted[10, 10] > 0.95
    assert lifted[10, 11] > 0.8
    assert lifted[10, 16] < 0.01


def test_the_gradient_is_that_of_central_differences() -> None:
    smooth, rng = SmoothMaximum(1.5), np.random.default_rng(1)
    upstream = rng.normal(size=GRID.shape).astype(np.float32)
    gradient = smooth.pull_back(GRID, upstream)
    for row, column in [(0, 0), (3, 4), (6, 8), (2, 7)]:
        moved = []
        for sign in (1, -1):
            grid = GRID.copy()
            grid[row, column] += sign * 1e-3
            moved.append(float(np.sum(smooth.forward(grid).astype(np.float64) * upstream)))
        assert gradient[row, column] == pytest.approx((moved[0] - moved[1]) / 2e-3, rel=0.02, abs=2e-3)
