"""Mask algebra in three dimensions, each against its definition."""

import numpy as np
import pytest

from misure_onnx.mask import DILATION_PIXELS, component_at, components, dilate, resize_map, smoothed

SHAPE = (9, 11, 13)


def test_a_dilation_is_the_ball_of_all_voxels_near_enough() -> None:
    region = np.zeros(SHAPE, bool)
    region[4, 5, 6] = region[0, 0, 0] = True
    voxels = np.moveaxis(np.indices(SHAPE), 0, -1)
    near = [np.square(voxels - centre).sum(axis=-1) <= DILATION_PIXELS**2 for centre in ((4, 5, 6), (0, 0, 0))]
    assert np.array_equal(dilate(region), near[0] | near[1])


def test_nothing_stays_nothing() -> None:
    """The distance to nothing is no number."""
    assert not dilate(np.zeros(SHAPE, bool)).any()


def test_voxels_that_meet_at_a_corner_are_one_component() -> None:
    region = np.zeros(SHAPE, bool)
    region[1, 1, 1] = region[2, 2, 2] = region[7, 7, 7] = True
    pair, single = components(region)
    assert np.argwhere(pair).tolist() == [[1, 1, 1], [2, 2, 2]]
    assert np.argwhere(single).tolist() == [[7, 7, 7]]
    alone = component_at(region, 7, 7, 7)
    assert alone is not None
    assert np.array_equal(alone, single)
    assert component_at(region, 0, 0, 0) is None


def test_a_resized_map_is_linear_along_each_axis_with_half_voxel_centres() -> None:
    saliency = np.random.default_rng(0).random((3, 4, 5)).astype(np.float32)
    expected = saliency.astype(np.float64)
    for axis, n_out in enumerate((5, 7, 6)):
        n_in = expected.shape[axis]
        centres = (np.arange(n_out) + 0.5) * n_in / n_out - 0.5
        lines = np.moveaxis(expected, axis, -1)
        resized = [np.interp(centres, np.arange(n_in), line) for line in lines.reshape(-1, n_in)]
        expected = np.moveaxis(np.reshape(resized, (*lines.shape[:-1], n_out)), -1, axis)
    assert resize_map(saliency, (5, 7, 6)) == pytest.approx(expected, abs=1e-6)


def test_smoothing_keeps_a_constant_and_the_sum_of_a_point_and_is_the_same_along_every_axis() -> None:
    assert smoothed(np.full(SHAPE, 3.0, np.float32), 1.5) == pytest.approx(np.full(SHAPE, 3.0), abs=1e-5)
    point = np.zeros((15, 15, 15), np.float32)
    point[7, 7, 7] = 1
    blurred = smoothed(point, 1.0)
    assert blurred.sum() == pytest.approx(1, abs=1e-4)
    assert np.argmax(blurred) == np.argmax(point)
    assert blurred[8, 7, 7] / blurred[7, 7, 7] == pytest.approx(np.exp(-1 / 2), abs=1e-3)
    assert np.allclose(blurred, blurred.transpose(2, 0, 1), atol=1e-7)
