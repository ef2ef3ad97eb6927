"""Masks that are moved, blurred, or say how often a region was dilated."""

import numpy as np
import pytest

from misure_onnx.mask import dilate, dilation_map, moved, smoothed


def test_a_moved_mask_loses_what_leaves_the_image_and_gets_zeros() -> None:
    values = np.arange(1, 13, dtype=np.float32).reshape(3, 4)
    assert moved(values, (1, -2)).tolist() == [[0, 0, 0, 0], [3, 4, 0, 0], [7, 8, 0, 0]]
    assert moved(values, (-1, 0)).tolist() == [[5, 6, 7, 8], [9, 10, 11, 12], [0, 0, 0, 0]]
    assert moved(values, (0, 0)).tolist() == values.tolist()
    assert values[0, 0] == 1


def test_a_region_moved_out_of_the_image_is_gone() -> None:
    assert not moved(np.ones((3, 4), bool), (3, 0)).any()


def test_the_map_of_dilations_falls_by_one_step_each() -> None:
    region = np.zeros((21, 21), bool)
    region[10, 10] = True
    once = dilate(region)
    twice = dilate(once)
    expected = np.where(region, 1, np.where(once, 2 / 3, np.where(twice, 1 / 3, 0)))
    assert dilation_map(region, 2) == pytest.approx(expected, abs=1e-6)
    assert dilation_map(region, 0).tolist() == region.astype(float).tolist()


def test_a_blurred_point_is_a_gaussian_of_that_deviation() -> None:
    point = np.zeros((41, 41), np.float32)
    point[20, 20] = 1
    distances = np.square(np.arange(41) - 20)
    line = np.exp(-distances / (2 * 3.0**2))
    line /= line.sum()
    assert smoothed(point, 3.0) == pytest.approx(np.outer(line, line), abs=1e-4)


@pytest.mark.parametrize("shape", [(19, 23), (9, 11, 13)])
def test_what_lies_beyond_the_border_is_mirrored(shape: tuple[int, ...]) -> None:
    """An axis after the other, the border itself not repeated, up to four standard deviations."""
    values = np.random.default_rng(0).random(shape).astype(np.float32)
    weights = np.exp(-np.square(np.arange(-6, 7)) / (2 * 1.5**2))
    weights /= weights.sum()
    expected = values.astype(np.float64)
    for axis in range(len(shape)):
        lines = np.moveaxis(expected, axis, -1)
        padded = np.pad(lines, [(0, 0)] * (len(shape) - 1) + [(6, 6)], mode="reflect")
        blurred = [padded[..., k : k + shape[axis]] * weight for k, weight in enumerate(weights)]
        expected = np.moveaxis(np.sum(blurred, axis=0), -1, axis)
    made = smoothed(values, 1.5)
    assert made.dtype == np.float32
    assert np.abs(made - expected).max() < 1e-5
