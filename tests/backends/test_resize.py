"""Scores brought to the input's size."""

import cv2
import numpy as np
import pytest

from misure_onnx.backends.resize import resize_scores
from misure_onnx.scores import SCORE_KINDS, Head, ScoreKind
from misure_onnx.types import Scores

N, L = 2, 3
SIZES = [((5, 6), (20, 24)), ((5, 6), (13, 7)), ((20, 24), (5, 6)), ((1, 6), (4, 6)), ((4, 6), (6, 9))]
CONTINUOUS = [kind for kind in SCORE_KINDS if kind != "labels"]


def random_scores(size: tuple[int, int]) -> Scores:
    return np.random.default_rng(0).normal(0, 1, (N, L, *size)).astype(np.float32)


@pytest.mark.parametrize("kind", SCORE_KINDS)
def test_the_right_size_is_no_work(kind: ScoreKind) -> None:
    scores = random_scores((5, 6))
    assert resize_scores(scores, (5, 6), Head(kind)) is scores


@pytest.mark.parametrize("kind", CONTINUOUS)
@pytest.mark.parametrize(("size", "wanted"), SIZES)
def test_scores_are_interpolated_as_opencv_does(
    kind: ScoreKind, size: tuple[int, int], wanted: tuple[int, int]
) -> None:
    scores = random_scores(size)
    resized = resize_scores(scores, wanted, Head(kind))
    assert resized.shape == (N, L, *wanted)
    assert resized.dtype == np.float32
    for n, c in np.ndindex(N, L):
        expected = cv2.resize(scores[n, c], wanted[::-1], interpolation=cv2.INTER_LINEAR)
        assert resized[n, c] == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize(("size", "wanted"), SIZES)
def test_scores_are_interpolated_as_torch_does_without_aligned_corners(
    size: tuple[int, int], wanted: tuple[int, int]
) -> None:
    torch = pytest.importorskip("torch", reason="torch is not installed: nothing to compare with")
    scores = random_scores(size)
    expected = torch.nn.functional.interpolate(
        torch.from_numpy(scores), wanted, mode="bilinear", align_corners=False
    ).numpy()
    assert resize_scores(scores, wanted, Head("logits")) == pytest.approx(expected, abs=1e-5)


@pytest.mark.parametrize(("size", "wanted"), SIZES)
def test_one_hot_labels_take_the_nearest_pixel_and_stay_one_hot(size: tuple[int, int], wanted: tuple[int, int]) -> None:
    labels = np.random.default_rng(0).integers(0, L, (N, *size))
    scores = (labels[:, None] == np.arange(L)[:, None, None]).astype(np.float32)
    resized = resize_scores(scores, wanted, Head("labels"))
    assert (resized.sum(axis=1) == 1).all()
    for n, y, x in np.ndindex(N, *wanted):
        row, column = (2 * y + 1) * size[0] // (2 * wanted[0]), (2 * x + 1) * size[1] // (2 * wanted[1])
        assert resized[n, labels[n, row, column], y, x] == 1


def test_scores_in_any_memory_order_are_read() -> None:
    scores = random_scores((5, 6))
    turned = np.ascontiguousarray(scores.transpose(0, 2, 3, 1)).transpose(0, 3, 1, 2)
    expected = resize_scores(scores, (10, 12), Head("logits"))
    assert np.array_equal(resize_scores(turned, (10, 12), Head("logits")), expected)
