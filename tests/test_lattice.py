"""Points at which a model is listened to."""

import numpy as np
import pytest

from misure_onnx.lattice import lattices_of
from misure_onnx.types import BoolArray


def region() -> BoolArray:
    found = np.zeros((70, 90), bool)
    found[10:42, 50:82] = True
    found[10:20, 50:60] = False
    return found


def test_the_first_covers_the_object_s_box_and_counts_the_object() -> None:
    own, _ = lattices_of(region())
    assert np.array_equal(own.axes[0], np.arange(10, 42))
    assert np.array_equal(own.axes[1], np.arange(50, 82))
    assert np.array_equal(own.counted, region()[10:42, 50:82])


def test_the_second_covers_the_image_and_counts_the_rest() -> None:
    _, around = lattices_of(region())
    for rows, extent in zip(around.axes, region().shape, strict=True):
        assert len(rows) == 32
        assert rows[0] == int(extent / 64)
        assert np.ptp(np.diff(rows)) <= 1
        assert extent - 1 - rows[-1] <= extent / 32
    assert np.array_equal(around.counted, ~region()[np.ix_(*around.axes)])


@pytest.mark.parametrize("size", [(70, 90), (5, 3), (9, 40, 33)])
def test_points_and_parts_are_those_of_the_planes(size: tuple[int, ...]) -> None:
    rng = np.random.default_rng(0)
    planes = rng.random((2, 3, *size), np.float32)
    for lattice in lattices_of(rng.random(size) < 0.4):
        points = lattice.at(planes)
        assert points.shape == (2, 3, *[32] * len(size))
        for place in rng.integers(0, 32, (20, len(size))):
            there = tuple(int(rows[k]) for rows, k in zip(lattice.axes, place, strict=True))
            assert points[1, 2][tuple(place)] == planes[1, 2][there]
        parts = lattice.in_parts(points[:, 0])
        counted = points[:, 0] * lattice.counted
        for k, corner in enumerate(np.ndindex(*[8] * len(size))):
            block = counted
            for axis, part in enumerate(corner, start=1):
                block = block.take(range(4 * part, 4 * part + 4), axis=axis)
            assert parts[:, k] == pytest.approx(block.reshape(2, -1).mean(axis=1), abs=1e-6)


def test_an_empty_region_has_points_that_do_not_count() -> None:
    own, around = lattices_of(np.zeros((8, 8), bool))
    assert not own.counted.any()
    assert around.counted.all()
