"""Mask algebra against slow loops, OpenCV and torch."""

from itertools import pairwise

import cv2
import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from misure_onnx.mask import (
    DILATION_PIXELS,
    MaskGrid,
    bilinear_matrix,
    component_at,
    components,
    dilate,
    random_region,
    resize_map,
    resize_region,
    scaled_to_unit,
    structuring_element,
)
from misure_onnx.types import FloatArray, Region

regions = arrays(bool, st.tuples(st.integers(1, 14), st.integers(1, 14)))
GRIDS = [
    ((4, 6), (8, 12)),
    ((7, 5), (20, 24)),
    ((5, 5), (5, 5)),
    ((6, 9), (4, 5)),
    ((1, 3), (6, 7)),
    ((28, 28), (37, 41)),
]


def noise(shape: tuple[int, int], seed: int = 0) -> FloatArray:
    return np.random.default_rng(seed).normal(0, 1, shape).astype(np.float32)


def drawn(*rows: str) -> Region:
    """A region drawn with # and dots."""
    return np.array([[cell == "#" for cell in row] for row in rows])


# Dilation


def test_the_structuring_element_is_the_ellipse_of_33_pixels() -> None:
    expected = drawn("...#...", ".#####.", "#######", "#######", "#######", ".#####.", "...#...")
    assert np.array_equal(structuring_element(), expected)
    assert structuring_element().sum(axis=1).tolist() == [1, 5, 7, 7, 7, 5, 1]
    assert structuring_element().sum() == 33


@settings(max_examples=60)
@given(regions)
def test_a_pixel_is_in_the_dilation_if_the_element_around_it_meets_the_region(region: Region) -> None:
    grown = dilate(region)
    for y, x in np.ndindex(region.shape):
        window = [
            (y + dy - 3, x + dx - 3)
            for dy, dx in np.argwhere(structuring_element())
            if 0 <= y + dy - 3 < region.shape[0] and 0 <= x + dx - 3 < region.shape[1]
        ]
        assert grown[y, x] == any(region[place] for place in window)


def test_one_pixel_grows_to_the_element_and_three_pixels_a_dilation() -> None:
    region = np.zeros((21, 23), bool)
    region[10, 11] = True
    grown = dilate(region)
    assert np.array_equal(grown[7:14, 8:15], structuring_element())
    assert grown.sum() == 33
    for dilations in range(1, 4):
        assert np.flatnonzero(region[10]).tolist() == [*range(11 - 3 * (dilations - 1), 12 + 3 * (dilations - 1))]
        region = dilate(region)
    assert DILATION_PIXELS == 3


@pytest.mark.parametrize(("shape", "dilations"), [((224, 224), 112), ((520, 780), 325)])
def test_a_corner_pixel_fills_an_image_in_exactly_a_quarter_of_height_plus_width(
    shape: tuple[int, int], dilations: int
) -> None:
    assert dilations == sum(shape) / 4
    region = np.zeros(shape, bool)
    region[0, 0] = True
    for _ in range(dilations - 1):
        region = dilate(region)
    assert not region.all()
    assert dilate(region).all()


def test_dilating_leaves_its_argument_alone() -> None:
    region = drawn("....", ".#..", "....")
    dilate(region)
    assert region.sum() == 1


# Resizing


@settings(max_examples=200, deadline=None)
@given(regions, st.integers(0, 700), st.integers(0, 700))
def test_growing_a_region_and_shrinking_it_back_gives_the_same_region(region: Region, more: int, wider: int) -> None:
    size = (region.shape[0] + more, region.shape[1] + wider)
    grown = resize_region(region, size)
    assert grown.shape == size
    assert grown.dtype == bool
    assert grown.flags.c_contiguous
    assert np.array_equal(resize_region(grown, region.shape), region)


@settings(max_examples=100)
@given(regions, st.integers(1, 40), st.integers(1, 40))
def test_a_resized_region_takes_the_pixel_under_every_centre(region: Region, height: int, width: int) -> None:
    resized = resize_region(region, (height, width))
    for y, x in np.ndindex(height, width):
        row, column = (2 * y + 1) * region.shape[0] // (2 * height), (2 * x + 1) * region.shape[1] // (2 * width)
        assert resized[y, x] == region[row, column]


def test_the_same_size_is_no_work() -> None:
    region, saliency = drawn("#.", ".."), noise((3, 4))
    assert resize_region(region, (2, 2)) is region
    assert resize_map(saliency, (3, 4)) is saliency


def test_a_resized_map_is_bilinear_with_half_pixel_centres() -> None:
    ramp = np.tile(np.arange(4, dtype=np.float32), (2, 1))
    expected = [0, 0.25, 0.75, 1.25, 1.75, 2.25, 2.75, 3]
    assert resize_map(ramp, (2, 8))[0] == pytest.approx(expected)
    assert resize_map(-ramp, (2, 8))[0] == pytest.approx([-value for value in expected])


# Components


def flood(region: Region) -> list[set[tuple[int, int]]]:
    """The components by walking over neighbours, in reading order of their first pixels."""
    left = {(int(y), int(x)) for y, x in np.argwhere(region)}
    found = []
    while left:
        part, border = set[tuple[int, int]](), [min(left)]
        while border:
            y, x = border.pop()
            if (y, x) in left:
                left.remove((y, x))
                part.add((y, x))
                border += [(y + dy, x + dx) for dy in (-1, 0, 1) for dx in (-1, 0, 1)]
        found.append(part)
    return found


@settings(max_examples=200)
@given(regions)
def test_components_are_those_of_a_flood_fill_largest_first_then_in_reading_order(region: Region) -> None:
    expected = sorted(flood(region), key=lambda part: (-len(part), min(part)))
    assert [{(int(y), int(x)) for y, x in np.argwhere(part)} for part in components(region)] == expected
    for part in expected:
        alone = component_at(region, *next(iter(part)))
        assert alone is not None
        assert {(int(y), int(x)) for y, x in np.argwhere(alone)} == part


def test_diagonal_neighbours_are_one_component() -> None:
    assert len(components(drawn("#..", ".#.", "..#"))) == 1
    assert len(components(drawn("#.#", "...", "#.#"))) == 4


def test_the_first_pixel_decides_between_equal_sizes_even_if_the_other_is_further_left() -> None:
    first, second = components(drawn("......#", "#......"))
    assert first[0, 6]
    assert second[1, 0]


def test_small_components_can_be_left_out() -> None:
    region = drawn("##..#", "##...", "....#", "..#.#")
    assert [int(part.sum()) for part in components(region)] == [4, 2, 1, 1]
    assert [int(part.sum()) for part in components(region, min_pixels=2)] == [4, 2]
    assert components(region, min_pixels=5) == ()


def test_nothing_has_no_components() -> None:
    assert components(np.zeros((3, 4), bool)) == ()
    assert component_at(drawn("#."), 0, 1) is None


# Random regions and scaling


@pytest.mark.parametrize("pixels", [0, 1, 17, 34, 35, 900])
def test_a_random_region_has_exactly_as_many_pixels_as_asked_or_all(pixels: int) -> None:
    region = random_region(pixels, (5, 7), np.random.default_rng(3))
    assert region.shape == (5, 7)
    assert region.dtype == bool
    assert region.sum() == min(pixels, 35)


def test_a_random_region_is_uniform_and_follows_its_generator() -> None:
    rng = np.random.default_rng(0)
    drawn_often = sum(random_region(10, (4, 5), rng).astype(int) for _ in range(2000))
    # Each pixel is drawn with probability 1/2: the standard deviation of the count is 22.
    assert np.abs(np.asarray(drawn_often) - 1000).max() < 5 * 22
    one, same = (random_region(10, (4, 5), np.random.default_rng(7)) for _ in range(2))
    assert np.array_equal(one, same)


@given(arrays(np.float32, (3, 4), elements=st.floats(-100, 100, width=16)))
def test_scaling_to_unit_keeps_the_order_and_fills_0_to_1(saliency: FloatArray) -> None:
    scaled = scaled_to_unit(saliency)
    assert scaled.dtype == np.float32
    if saliency.max() == saliency.min():
        assert not scaled.any()
        return
    low, high = float(saliency.min()), float(saliency.max())
    assert (scaled.min(), scaled.max()) == (0, 1)
    assert scaled == pytest.approx((saliency.astype(float) - low) / (high - low), abs=1e-6)
    order = np.argsort(saliency, axis=None)
    assert all(scaled.flat[a] <= scaled.flat[b] for a, b in pairwise(order))


# The mask grid


@pytest.mark.parametrize(("grid_size", "size"), GRIDS)
def test_upsampling_is_opencv_s_bilinear(grid_size: tuple[int, int], size: tuple[int, int]) -> None:
    grid = noise(grid_size)
    expected = cv2.resize(grid, size[::-1], interpolation=cv2.INTER_LINEAR)
    upsampled = MaskGrid(grid_size, size).upsample(grid)
    assert upsampled.shape == size
    assert upsampled.dtype == np.float32
    assert upsampled == pytest.approx(expected, abs=1e-5)


@pytest.mark.parametrize(("grid_size", "size"), GRIDS)
def test_upsampling_is_torch_s_interpolate_without_aligned_corners(
    grid_size: tuple[int, int], size: tuple[int, int]
) -> None:
    torch = pytest.importorskip("torch", reason="torch is not installed: nothing to compare with")
    grid = noise(grid_size)
    expected = torch.nn.functional.interpolate(
        torch.from_numpy(grid)[None, None], size, mode="bilinear", align_corners=False
    )
    assert MaskGrid(grid_size, size).upsample(grid) == pytest.approx(expected[0, 0].numpy(), abs=1e-5)


def test_a_grid_as_fine_as_the_image_gives_a_mask_of_its_own() -> None:
    grid = np.asarray(noise((5, 6)).T)
    mask = MaskGrid((6, 5), (6, 5)).upsample(grid)
    assert np.array_equal(mask, grid)
    assert not np.shares_memory(mask, grid)
    assert mask.flags.c_contiguous


@pytest.mark.parametrize(("grid_size", "size"), GRIDS)
@pytest.mark.parametrize("seed", range(3))
def test_pulling_back_is_the_adjoint_of_upsampling(
    grid_size: tuple[int, int], size: tuple[int, int], seed: int
) -> None:
    """<U g, m> = <g, U* m> for all g and m."""
    grid, gradient = noise(grid_size, seed), noise(size, seed + 10)
    mask_grid = MaskGrid(grid_size, size)
    there: npt.NDArray[np.float64] = mask_grid.upsample(grid).astype(np.float64) * gradient
    back: npt.NDArray[np.float64] = mask_grid.pull_back(gradient).astype(np.float64) * grid
    assert mask_grid.pull_back(gradient).shape == grid_size
    assert there.sum() == pytest.approx(back.sum(), abs=1e-4)


@pytest.mark.parametrize(("n_in", "n_out"), [(1, 5), (3, 3), (4, 9), (9, 4)])
def test_rows_of_weights_sum_to_one_and_none_is_negative(n_in: int, n_out: int) -> None:
    weights = bilinear_matrix(n_in, n_out).toarray()
    assert weights.shape == (n_out, n_in)
    assert weights.sum(axis=1) == pytest.approx(np.ones(n_out))
    assert weights.min() >= 0
