"""The geometry of the scenes, read off their pixels; the readers of the objects' files."""

import dataclasses
import gzip
import struct
from itertools import combinations
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
import pytest

from benchmarks.datasets.idx import read_idx
from benchmarks.datasets.triangle import PRESETS, Objects, Sample, Triangle, fashion_mnist, handwritten_digits
from tests.shared_data import shared_data


@pytest.fixture(scope="module")
def digits() -> Objects:
    return handwritten_digits()


@pytest.fixture
def tiles() -> Objects:
    """Full squares whose grey value tells their class: place and class can be read off a scene."""
    labels = np.repeat(np.arange(10), 3)
    images = np.broadcast_to(((labels + 1) / 255)[:, None, None], (30, 28, 28)).astype(np.float32)
    return Objects(images, labels, "tiles")


def centres(sample: Sample) -> npt.NDArray[np.float64]:
    """(K, 2): of the pixels of each object, as edges' coordinates: a tile in rows 0..27 has its centre at 14."""
    found = [np.argwhere(sample.objects == number).mean(axis=0) + 0.5 for number in range(1, sample.objects.max() + 1)]
    return np.array(found)


def corners_of_one_square(points: npt.NDArray[np.float64], side: float, tolerance: float) -> bool:
    """Whether all of three or four points are different corners of an upright square, tried with every point first."""
    for top_left_row in {point[0] - offset for point in points for offset in (0, side)}:
        for top_left_column in {point[1] - offset for point in points for offset in (0, side)}:
            square = np.array([top_left_row, top_left_column]) + side * np.array([(0, 0), (0, 1), (1, 1), (1, 0)])
            distances = np.abs(points[:, None] - square).max(axis=-1)
            if (distances.min(axis=1) <= tolerance).all() and len(set(distances.argmin(axis=1))) == len(points):
                return True
    return False


def test_the_objects_stand_on_three_corners_of_a_square_of_100_pixels(tiles: Objects) -> None:
    for sample in Triangle(tiles, length=40):
        assert sample.image.shape == sample.mask.shape == sample.objects.shape == (224, 224)
        assert corners_of_one_square(centres(sample)[:3], side=100, tolerance=0)
        np.testing.assert_array_equal(centres(sample), sample.centres)


def test_every_corner_is_left_out_sometimes(tiles: Objects) -> None:
    """The corner without an object, relative to the middle of the square."""
    missing = {tuple(np.sign(np.ptp(c, axis=0) / 2 + c.min(axis=0) - _right_angle(c))) for c in _figures(tiles, 40)}
    assert missing == {(-1, -1), (-1, 1), (1, -1), (1, 1)}


def _figures(tiles: Objects, length: int) -> list[npt.NDArray[np.float64]]:
    return [centres(sample)[:3] for sample in Triangle(tiles, length=length)]


def _right_angle(triangle: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """The point that is nearest to the two others."""
    distances = np.linalg.norm(triangle[:, None] - triangle, axis=-1).sum(axis=1)
    return np.asarray(triangle[distances.argmin()])


def test_the_triangle_scales_with_the_image(tiles: Objects) -> None:
    sample = Triangle(tiles, size=336, length=1)[0]
    assert sample.image.shape == (336, 336)
    assert corners_of_one_square(centres(sample)[:3], side=150, tolerance=0)


def test_the_mask_is_the_bright_pixels_of_the_three_objects(digits: Objects) -> None:
    for sample in Triangle(digits, length=20):
        assert sample.image.dtype == np.float32
        assert sample.mask.dtype == np.bool_
        assert 0 <= sample.image.min() < sample.image.max() <= 1
        np.testing.assert_array_equal(sample.mask, np.isin(sample.objects, (1, 2, 3)))
        np.testing.assert_array_equal(sample.image > 0, sample.objects > 0)
        assert set(np.unique(sample.objects)) == set(range(9))


def test_no_two_objects_touch(digits: Objects) -> None:
    for sample in Triangle(digits, length=20):
        for number in range(1, 9):
            own = (sample.objects == number).astype(np.uint8)
            grown = cv2.dilate(own, np.ones((3, 3), np.uint8)) > 0
            assert set(np.unique(sample.objects[grown])) <= {0, number}


def test_there_is_exactly_one_triangle(tiles: Objects) -> None:
    """No other three of the eight objects come near it: of corners that miss a square by 7 pixels each, any two are
    at most 14, half an object, from where they belong to each other.
    """
    for sample in Triangle(tiles, length=30):
        figures = [
            three
            for three in combinations(range(8), 3)
            if corners_of_one_square(centres(sample)[list(three)], side=100, tolerance=7)
        ]
        assert figures == [(0, 1, 2)]


def test_a_scene_depends_on_seed_and_index_alone(digits: Objects) -> None:
    first = Triangle(digits, length=10)
    again = Triangle(digits, length=5)[3]
    np.testing.assert_array_equal(first[3].image, again.image)
    np.testing.assert_array_equal(first[3].objects, again.objects)
    assert not np.array_equal(first[3].image, first[4].image)
    assert not np.array_equal(first[3].image, dataclasses.replace(first, seed=1)[3].image)


def test_a_dataset_is_a_sequence(tiles: Objects) -> None:
    scenes = Triangle(tiles, length=3)
    assert len(scenes) == len(list(scenes)) == 3
    with pytest.raises(IndexError, match="scene 3 does not exist: there are 3"):
        scenes[3]


def test_the_parts_share_no_object(digits: Objects) -> None:
    training, validation = digits.split(0.3, seed=5)
    assert len(validation) == round(0.3 * 1797)
    numbered = dataclasses.replace(
        digits, images=np.broadcast_to(np.arange(1797, dtype=np.float32)[:, None, None], (1797, 28, 28))
    )
    parts = [set(part.images[:, 0, 0].astype(int)) for part in numbered.split(0.3, seed=5)]
    assert parts[0].isdisjoint(parts[1])
    assert parts[0] | parts[1] == set(range(1797))
    np.testing.assert_array_equal(training.images, digits.images[sorted(parts[0])])
    assert "training" in training.name
    assert "validation" in validation.name


def test_an_empty_part_is_refused(tiles: Objects) -> None:
    with pytest.raises(ValueError, match="leaves a part of 30 objects empty"):
        tiles.split(0.001)


def test_classes_restrict_the_objects(tiles: Objects) -> None:
    scenes = Triangle(tiles, length=10, classes=(2, 5), distractor_classes=(7,))
    for sample in scenes:
        assert set(_classes(sample)[:3]) <= {2, 5}
        assert set(_classes(sample)[3:]) == {7}
    with pytest.raises(ValueError, match=r"tiles has no object of the classes \(11,\)"):
        Triangle(tiles, classes=(11,))[0]


def _classes(sample: Sample) -> list[int]:
    """Of the objects that can be seen, in the order of their numbers."""
    return [
        int(np.rint(sample.image[sample.objects == number].mean() * 255)) - 1
        for number in np.unique(sample.objects)
        if number > 0
    ]


def test_noise_lies_on_the_background_only(digits: Objects) -> None:
    clean, noisy = Triangle(digits)[0], Triangle(digits, noise=0.05)[0]
    objects = clean.objects > 0
    np.testing.assert_array_equal(clean.objects, noisy.objects)
    np.testing.assert_array_equal(clean.image[objects], noisy.image[objects])
    assert noisy.image[~objects].mean() == pytest.approx(0.05 * np.sqrt(2 / np.pi), rel=0.03)


def test_jitter_moves_each_object_a_little(tiles: Objects) -> None:
    figures = [centres(sample)[:3] for sample in Triangle(tiles, length=20, jitter=10 / 224)]
    assert all(corners_of_one_square(figure, side=100, tolerance=20) for figure in figures)
    assert not any(corners_of_one_square(figure, side=100, tolerance=0) for figure in figures)


@pytest.mark.parametrize(("name", "jitter"), [("riva_hard", 8), ("riva_strict", 0)])
def test_riva_presets(tiles: Objects, name: str, jitter: int) -> None:
    """T-shirt, trouser, bag at fixed corners of a 48x64 right triangle, moved by at most a quarter of the image."""
    expected = np.array([(0.65, 0.30), (0.65, 0.70), (0.35, 0.70)]) * 160
    for sample in Triangle(tiles, length=20, **PRESETS[name]):
        moved = centres(sample)[:3] - expected
        assert sample.image.shape == (160, 160)
        assert _classes(sample)[:3] == [0, 1, 8]
        assert set(_classes(sample)[3:]) <= {0}
        assert np.ptp(moved, axis=0).max() <= 2 * jitter
        assert np.abs(moved).max() <= 40 + jitter
        assert (np.bincount(sample.objects.ravel())[1:4] == 28 * 28).all()


def test_distractors_of_riva_strict_keep_to_their_box(tiles: Objects) -> None:
    for sample in Triangle(tiles, length=20, **PRESETS["riva_strict"]):
        rows, columns = np.nonzero(sample.objects > 3)
        assert rows.min() >= 64
        assert rows.max() < 144
        assert columns.max() < 80


def test_square_preset(tiles: Objects) -> None:
    for sample in Triangle(tiles, length=10, **PRESETS["square"]):
        assert corners_of_one_square(centres(sample)[:4], side=100, tolerance=0)
        np.testing.assert_array_equal(sample.mask, (sample.objects > 0) & (sample.objects <= 4))


def test_too_many_distractors_are_refused(tiles: Objects) -> None:
    with pytest.raises(RuntimeError, match="no free place for a distractor after 100 attempts: use fewer than 60"):
        Triangle(tiles, distractors=60, attempts=100)[0]


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"size": 40}, "the figure is 6 pixels too large for a scene of 40x40"),
        ({"objects": 5}, r"objects must lie in 2\.\.4"),
        ({"class_by_corner": True, "classes": (1, 2)}, r"needs one class a corner \(4\); got \(1, 2\)"),
    ],
)
def test_wrong_parameters_are_refused(tiles: Objects, parameters: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Triangle(tiles, **parameters)


def test_objects_are_28_pixels_in_size() -> None:
    with pytest.raises(ValueError, match=r"expected images \(2, 28, 28\), one a label; got \(2, 8, 8\)"):
        Objects(np.zeros((2, 8, 8), np.float32), np.zeros(2, np.int64), "small")


def test_digits_survive_eight_bits(digits: Objects) -> None:
    assert digits.images.shape == (1797, 28, 28)
    levels = digits.images * 255
    np.testing.assert_allclose(levels, np.rint(levels), atol=1e-4)
    assert digits.images[digits.images > 0].min() >= 31 / 255
    assert set(digits.labels) == set(range(10))


def write_idx(path: Path, values: npt.NDArray[np.uint8], *, header: bytes | None = None) -> Path:
    start = bytes([0, 0, 8, values.ndim]) if header is None else header
    path.write_bytes(gzip.compress(start + struct.pack(f">{values.ndim}I", *values.shape) + values.tobytes()))
    return path


def test_idx_files_are_read_as_written(tmp_path: Path) -> None:
    values = np.arange(2 * 3 * 5, dtype=np.uint8).reshape(2, 3, 5)
    np.testing.assert_array_equal(read_idx(write_idx(tmp_path / "a.gz", values), axes=3), values)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"no gzip at all", "expected a gzipped IDX file"),
        (gzip.compress(b"\0\0\x08\x01\0\0\0\x03abc", mtime=0)[:-9], "expected a gzipped IDX file"),
        (gzip.compress(b"\x89PNG and so on", mtime=0), r"expected an IDX header \(0, 0, type, axes\), got \[137, 80"),
        (gzip.compress(b"", mtime=0), r"expected an IDX header \(0, 0, type, axes\), got \[\]"),
        (gzip.compress(b"\0\0\x0d\x01\0\0\0\x03abc", mtime=0), r"expected values of type 8 \(uint8\), got type 13"),
        (gzip.compress(b"\0\0\x08\x03\0\0\0\x03abc", mtime=0), "expected 1 axes, got 3"),
        (gzip.compress(b"\0\0\x08\x01\0\0", mtime=0), "the header ends after 6 bytes, 1 axes need 8"),
        (gzip.compress(b"\0\0\x08\x01\0\0\0\x03ab", mtime=0), r"the header says \(3,\) = 3 values, the file has 2"),
        (gzip.compress(b"\0\0\x08\x01\0\0\0\x03abcd", mtime=0), r"the header says \(3,\) = 3 values, the file has 4"),
    ],
)
def test_bad_idx_files_are_refused(tmp_path: Path, content: bytes, message: str) -> None:
    path = tmp_path / "bad.gz"
    path.write_bytes(content)
    with pytest.raises(ValueError, match=message):
        read_idx(path, axes=1)


def test_fashion_mnist_is_read_from_its_two_files(tmp_path: Path) -> None:
    images = np.random.default_rng(0).integers(0, 256, (4, 28, 28), np.uint8)
    write_idx(tmp_path / "train-images-idx3-ubyte.gz", images)
    write_idx(tmp_path / "train-labels-idx1-ubyte.gz", np.array([3, 1, 4, 1], np.uint8))
    objects = fashion_mnist(tmp_path, "train")
    np.testing.assert_array_equal(objects.images, images.astype(np.float32) / 255)
    np.testing.assert_array_equal(objects.labels, [3, 1, 4, 1])
    with pytest.raises(FileNotFoundError, match="t10k-images-idx3-ubyte"):
        fashion_mnist(tmp_path)


def test_images_and_labels_must_be_as_many(tmp_path: Path) -> None:
    write_idx(tmp_path / "t10k-images-idx3-ubyte.gz", np.zeros((4, 28, 28), np.uint8))
    write_idx(tmp_path / "t10k-labels-idx1-ubyte.gz", np.zeros(3, np.uint8))
    with pytest.raises(ValueError, match=r"Fashion-MNIST t10k: expected images \(3, 28, 28\)"):
        fashion_mnist(tmp_path)


def test_the_real_fashion_mnist() -> None:
    objects = fashion_mnist(shared_data() / "fashion-mnist")
    assert objects.images.shape == (10_000, 28, 28)
    assert np.bincount(objects.labels).tolist() == [1000] * 10
    sample = Triangle(objects)[0]
    np.testing.assert_array_equal(sample.image > 0, sample.objects > 0)
