"""Partitions of an image: complete, about as many parts as asked for, and along the edges where that is promised."""

from typing import get_args

import numpy as np
import pytest

from misure_onnx.errors import ParameterError
from misure_onnx.mask import components
from misure_onnx.methods.superpixels import Partition, superpixels

SIZE = (60, 90)
NOISE = np.random.default_rng(0).random((1, 3, *SIZE)).astype(np.float32)

every_partition = pytest.mark.parametrize("kind", get_args(Partition))


@every_partition
@pytest.mark.parametrize("count", [2, 24, 100])
def test_every_pixel_has_a_part_and_there_are_about_as_many_as_asked_for(kind: Partition, count: int) -> None:
    labels = superpixels(kind, NOISE, count, 10.0)
    assert labels.shape == SIZE
    assert np.array_equal(np.unique(labels), np.arange(labels.max() + 1))
    assert 0.75 * count <= labels.max() + 1 <= 1.35 * count


@every_partition
def test_parts_are_of_one_piece_and_the_same_every_time(kind: Partition) -> None:
    flat = np.full((1, 1, *SIZE), 0.5, np.float32)
    labels = superpixels(kind, flat, 24, 10.0)
    assert all(len(components(labels == k)) == 1 for k in range(labels.max() + 1))
    assert np.array_equal(labels, superpixels(kind, flat, 24, 10.0))


def test_the_grid_has_squares_of_equal_size() -> None:
    labels = superpixels("grid", NOISE, 24, 10.0)
    assert np.array_equal(labels, (np.indices(SIZE)[0] // 15) * 6 + np.indices(SIZE)[1] // 15)


def test_inner_hexagons_have_six_neighbours() -> None:
    labels = superpixels("hexagons", np.zeros((1, 1, 120, 120), np.float32), 64, 10.0)
    neighbours: dict[int, set[int]] = {}
    for a, b in ((labels[1:], labels[:-1]), (labels[:, 1:], labels[:, :-1])):
        for x, y in zip(a[a != b].tolist(), b[a != b].tolist(), strict=True):
            neighbours.setdefault(x, set()).add(y)
            neighbours.setdefault(y, set()).add(x)
    border = {int(k) for edge in (labels[0], labels[-1], labels[:, 0], labels[:, -1]) for k in edge}
    inner = [len(found) for k, found in neighbours.items() if k not in border]
    assert len(inner) >= 20
    assert set(inner) == {6}


def test_slic_follows_an_edge_that_the_grid_cuts_across() -> None:
    rows, columns = np.indices(SIZE)
    disc = (rows - 31) ** 2 + (columns - 47) ** 2 < 20**2
    image = np.where(disc, 1.0, 0.0).astype(np.float32)[None, None]

    def mixed(kind: Partition) -> float:
        """Share of the pixels that lie on the smaller side of the edge within their part."""
        labels = superpixels(kind, image, 40, 10.0)
        return (
            sum(min(int(disc[labels == k].sum()), int((~disc)[labels == k].sum())) for k in np.unique(labels))
            / disc.size
        )

    assert mixed("slic") < 0.01
    assert mixed("grid") > 0.05


def test_the_more_compact_the_closer_to_the_grid() -> None:
    grid = superpixels("grid", NOISE, 24, 10.0)
    agreement = [float(np.mean(superpixels("slic", NOISE, 24, m) == grid)) for m in (1.0, 1000.0)]
    assert agreement[1] > 0.95 > agreement[0]


# Volumes

VOLUME = (12, 18, 24)
VOXELS = np.random.default_rng(0).random((1, 2, *VOLUME)).astype(np.float32)


@pytest.mark.parametrize("kind", ["slic", "grid"])
@pytest.mark.parametrize("count", [2, 24, 100])
def test_every_voxel_has_a_part_of_one_piece(kind: Partition, count: int) -> None:
    labels = superpixels(kind, VOXELS, count, 10.0)
    assert labels.shape == VOLUME
    assert np.array_equal(np.unique(labels), np.arange(labels.max() + 1))
    assert 0.6 * count <= labels.max() + 1 <= 1.5 * count
    assert all(len(components(labels == k)) == 1 for k in range(labels.max() + 1))


def test_the_grid_of_a_volume_has_cubes() -> None:
    slices, rows, columns = np.indices(VOLUME) // 6
    assert np.array_equal(superpixels("grid", VOXELS, 24, 10.0), (slices * 3 + rows) * 4 + columns)


def test_slic_follows_a_surface_that_the_grid_cuts_through() -> None:
    slices, rows, columns = np.indices(VOLUME)
    ball = (slices - 5) ** 2 + (rows - 8) ** 2 + (columns - 11) ** 2 < 5**2
    image = np.where(ball, 1.0, 0.0).astype(np.float32)[None, None]

    def mixed(kind: Partition) -> int:
        labels = superpixels(kind, image, 24, 10.0)
        return sum(min(int(ball[labels == k].sum()), int((~ball)[labels == k].sum())) for k in np.unique(labels))

    assert mixed("slic") < mixed("grid") / 4


def test_a_volume_has_no_hexagons() -> None:
    with pytest.raises(ParameterError, match="hexagons are for images; for a volume take slic or grid"):
        superpixels("hexagons", VOXELS, 24, 10.0)
