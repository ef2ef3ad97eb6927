"""The grid of cells, pixel by pixel."""

import numpy as np
import pytest

from misure_onnx.methods.misure.forward_only.cells import CellGrid, coarse_size

REGION = np.random.default_rng(0).random((23, 31)) < 0.7
SHAPES = [(5, 5), (23, 31), (7, 31), (40, 40), (1, 1)]


@pytest.mark.parametrize("shape", SHAPES)
def test_every_pixel_of_the_region_belongs_to_the_cell_of_the_formula(shape: tuple[int, int]) -> None:
    grid = CellGrid(shape, REGION)
    cells = np.random.default_rng(1).random(grid.shape) < 0.5
    pixels = grid.pixels(cells)
    for r in range(23):
        for c in range(31):
            cell = (r * grid.shape[0] // 23, c * grid.shape[1] // 31)
            assert pixels[r, c] == (REGION[r, c] and cells[cell])


@pytest.mark.parametrize("shape", SHAPES)
def test_sums_and_areas_count_the_pixels_of_each_cell(shape: tuple[int, int]) -> None:
    grid = CellGrid(shape, REGION)
    values = np.random.default_rng(2).normal(size=REGION.shape).astype(np.float32)
    expected = np.zeros(grid.shape)
    for r in range(23):
        for c in range(31):
            expected[r * grid.shape[0] // 23, c * grid.shape[1] // 31] += values[r, c]
    assert grid.sums(values) == pytest.approx(expected, abs=1e-5)
    assert grid.area.sum() == REGION.sum()
    cells = np.random.default_rng(3).random(grid.shape) < 0.5
    assert grid.kept_area(cells) == grid.pixels(cells).sum()
    assert np.array_equal(grid.inside, grid.area > 0)


@pytest.mark.parametrize("shape", [(5, 5), (3, 7), (11, 15), (2, 31)])
def test_a_finer_grid_keeps_the_same_pixels(shape: tuple[int, int]) -> None:
    grid = CellGrid(shape, REGION)
    finer = grid.finer(100)
    assert finer is not None
    assert finer.shape == tuple(2 * n if 2 * n <= extent else n for n, extent in zip(shape, REGION.shape, strict=True))
    cells = np.random.default_rng(1).random(grid.shape) < 0.5
    carried = np.asarray(grid.carried_to(finer, cells), bool)
    assert np.array_equal(finer.pixels(carried), grid.pixels(cells))


def test_there_is_no_finer_grid_than_asked_for_or_than_the_pixels() -> None:
    assert CellGrid((10, 10), REGION).finer(19) is None
    assert CellGrid((12, 16), REGION).finer(100) is None


@pytest.mark.parametrize(("finest", "most", "expected"), [(224, 112, 112), (224, 14, 14), (40, 112, 40), (40, 14, 10)])
def test_the_first_grid_is_the_finest_one_halved_until_it_is_coarse(finest: int, most: int, expected: int) -> None:
    assert coarse_size(finest, most) == expected
