"""Shared credit against cases whose answer is known, and the weights against central differences."""

import numpy as np
import pytest

from misure_onnx.methods.misure.forward_only.cells import CellGrid
from misure_onnx.methods.misure.forward_only.credit import pixel_weights, shared_credit
from misure_onnx.overlap import soft_dice

SIZE = (60, 80)
GRID = CellGrid((30, 40), np.ones(SIZE, bool))


def test_the_weights_are_the_gradient_of_the_soft_dice() -> None:
    rng = np.random.default_rng(0)
    seen, wanted = rng.random((6, 7)), rng.random((6, 7)) < 0.5
    weights, step = pixel_weights(seen.astype(np.float32), wanted), 1e-2
    for pixel in np.ndindex(6, 7):
        moved = [seen.copy(), seen.copy()]
        moved[0][pixel] += step
        moved[1][pixel] -= step
        plus, minus = (soft_dice(values.astype(np.float32), wanted.astype(np.float32)) for values in moved)
        assert weights[pixel] == pytest.approx((plus - minus) / (2 * step), rel=1e-3, abs=1e-6)


def test_one_changed_cell_gets_the_whole_change_around_it() -> None:
    kept = np.ones(GRID.shape, bool)
    asked = kept.copy()
    asked[12, 20] = False
    changes = np.zeros(SIZE, np.float32)
    changes[22:28, 38:44] = -0.01  # the object is lost within a cell of it: 36 pixels
    credit = shared_credit(GRID, changes, kept, asked)
    assert credit[12, 20] == pytest.approx(0.36, rel=0.02)
    assert np.count_nonzero(credit) == 1


def test_cells_far_from_each_other_get_what_happened_at_each() -> None:
    kept = np.zeros(GRID.shape, bool)
    kept[5, 5] = True
    asked = np.zeros(GRID.shape, bool)
    asked[25, 30] = True  # one removed, one added
    changes = np.zeros(SIZE, np.float32)
    changes[10, 10], changes[50, 60] = -0.3, 0.2
    credit = shared_credit(GRID, changes, kept, asked)
    assert credit[5, 5] == pytest.approx(0.3, rel=0.02)
    assert credit[25, 30] == pytest.approx(0.2, rel=0.02)


def test_the_shares_of_a_place_add_up_to_its_change() -> None:
    kept = np.ones(GRID.shape, bool)
    asked = np.random.default_rng(3).random(GRID.shape) > 0.3
    changes = np.zeros(SIZE, np.float32)
    changes[30, 40] = -0.5
    assert shared_credit(GRID, changes, kept, asked).sum() == pytest.approx(0.5, rel=0.01)


def test_a_sum_of_local_effects_is_recovered_from_random_changes() -> None:
    rng = np.random.default_rng(4)
    grid = CellGrid((12, 14), np.ones((12, 14), bool))
    worth = rng.random(grid.shape).astype(np.float32)
    kept = np.ones(grid.shape, bool)
    total, times = np.zeros(grid.shape), np.zeros(grid.shape)
    for _ in range(400):
        asked = rng.random(grid.shape) > 0.1
        credit = shared_credit(grid, np.where(asked, 0, -worth).astype(np.float32), kept, asked)
        total += credit
        times += ~asked
    assert np.corrcoef((total / times).ravel(), worth.ravel())[0, 1] > 0.8
