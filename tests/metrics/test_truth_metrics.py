"""Metrics of a map and a ground truth, and reading the latter."""

from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image

from misure_onnx.errors import ImageError
from misure_onnx.ground_truth import load_truth
from misure_onnx.metrics.base import TruthCandidate
from misure_onnx.metrics.mass_in_truth import MassInTruth
from misure_onnx.metrics.pointing_game import PointingGame

SIZE = (10, 12)
TRUTH = np.zeros(SIZE, bool)
TRUTH[2:5, 3:7] = True  # 12 of 120 pixels


def peak(*places: tuple[int, int]) -> TruthCandidate:
    saliency = np.linspace(0, 1, 120, dtype=np.float32).reshape(SIZE)
    for place in places:
        saliency[place] = 2
    return TruthCandidate(saliency, TRUTH)


@pytest.mark.parametrize(
    ("places", "tolerance", "expected"),
    [
        ([(2, 3)], 0, 1.0),
        ([(2, 2)], 0, 0.0),
        ([(2, 2)], 1, 1.0),
        ([(1, 2)], 1, 0.0),  # the square root of 2 away
        ([(1, 2)], 2, 1.0),
        ([(2, 3), (9, 9), (0, 0), (4, 6)], 0, 0.5),
    ],
)
def test_the_pointing_game(places: list[tuple[int, int]], tolerance: int, expected: float) -> None:
    assert PointingGame(tolerance=tolerance).measure(peak(*places)).value == expected


@pytest.mark.parametrize("shape", [(9, 11), (5, 9, 11)])
@pytest.mark.parametrize("tolerance", [0, 1, 2, 3])
def test_the_tolerance_is_the_distance_to_the_nearest_pixel_of_the_object(
    shape: tuple[int, ...], tolerance: int
) -> None:
    """A photograph's and a volume's, a maximum at every place; by the squares of whole numbers."""
    truth = np.zeros(shape, bool)
    truth[(2,) * len(shape)] = truth[tuple(extent - 1 for extent in shape)] = True
    for place in np.ndindex(*shape):
        saliency = np.zeros(shape, np.float32)
        saliency[place] = 1
        squared = np.square(np.argwhere(truth) - place).sum(axis=1).min()
        hit = PointingGame(tolerance=tolerance).measure(TruthCandidate(saliency, truth)).value
        assert hit == float(squared <= tolerance**2)


@pytest.mark.parametrize(("shape", "tolerance"), [((60, 70), 20), ((60, 70), 7), ((9, 11, 13), 5)])
def test_of_a_map_that_is_the_same_everywhere_the_share_near_the_object_counts(
    shape: tuple[int, ...], tolerance: int
) -> None:
    truth = np.zeros(shape, bool)
    truth[tuple(extent // 3 for extent in shape)] = True
    squared = np.square(np.moveaxis(np.indices(shape), 0, -1) - np.argwhere(truth)).sum(axis=-1)
    flat = TruthCandidate(np.ones(shape, np.float32), truth)
    assert PointingGame(tolerance=tolerance).measure(flat).value == np.mean(squared <= tolerance**2)


def test_mass_in_truth_is_a_share_of_what_is_positive() -> None:
    saliency = np.where(TRUTH, 3.0, -5.0).astype(np.float32)
    assert MassInTruth().measure(TruthCandidate(saliency, TRUTH)).value == 1
    saliency[0, :9] = 4.0
    result = MassInTruth().measure(TruthCandidate(saliency, TRUTH))
    assert result.value == pytest.approx(36 / 72)
    assert result.details["by_chance"] == pytest.approx(0.1)


def test_without_truth_or_mass_there_is_no_number_but_a_reason() -> None:
    nowhere = TruthCandidate(np.ones(SIZE, np.float32), np.zeros(SIZE, bool))
    for metric in (PointingGame(), MassInTruth()):
        result = metric.measure(nowhere)
        assert result.value is None
        assert result.details["reason"] == "the ground truth has no pixel of the target"
    nothing = MassInTruth().measure(TruthCandidate(np.zeros(SIZE, np.float32), TRUTH))
    assert (nothing.value, nothing.details) == (None, {"reason": "the map has no positive value"})


@pytest.mark.parametrize("white", [1, 255])
def test_a_mask_counts_for_every_class(white: int, tmp_path: Path) -> None:
    cv2.imwrite(str(tmp_path / "mask.png"), TRUTH.astype(np.uint8) * white)
    for truth in (tmp_path / "mask.png", TRUTH):
        assert np.array_equal(load_truth(truth).region(7), TRUTH)


def test_a_label_map_counts_for_its_class_and_a_palette_s_numbers_are_its_labels(tmp_path: Path) -> None:
    labels = TRUTH.astype(np.uint8) * 15
    labels[8:, 8:] = 3
    cv2.imwrite(str(tmp_path / "grey.png"), labels)
    with_palette = Image.fromarray(labels, mode=None).convert("P")
    with_palette.putdata(labels.ravel().tolist())
    with_palette.putpalette([(7 * index) % 256 for index in range(768)])
    with_palette.save(tmp_path / "palette.png")
    for truth in (labels, tmp_path / "grey.png", tmp_path / "palette.png"):
        loaded = load_truth(truth)
        assert np.array_equal(loaded.region(15), TRUTH)
        assert int(loaded.region(3).sum()) == 8
        assert not loaded.region(1).any()


def test_a_photograph_is_no_ground_truth(tmp_path: Path) -> None:
    cv2.imwrite(str(tmp_path / "photo.png"), np.random.default_rng(0).integers(0, 255, (*SIZE, 3), np.uint8))
    with pytest.raises(ImageError, match="has 3 channels that differ; expected one number a pixel"):
        load_truth(tmp_path / "photo.png")
    with pytest.raises(ImageError, match=r"must be \(H, W\), .* whole numbers; got shape \(10, 12\), dtype float"):
        load_truth(np.zeros(SIZE))
