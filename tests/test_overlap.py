"""The Dice coefficient, by hand."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from misure_onnx.overlap import SOFT_EPSILON, hard_dice, iou, soft_dice
from misure_onnx.types import FloatArray, Region

regions = arrays(bool, (4, 5))
probabilities = arrays(np.float32, (4, 5), elements=st.floats(0, 1, width=16))


def region(*pixels: tuple[int, int]) -> Region:
    drawn = np.zeros((4, 5), bool)
    for pixel in pixels:
        drawn[pixel] = True
    return drawn


NOTHING, ALL = region(), ~region()


@pytest.mark.parametrize(
    ("first", "second", "expected"),
    [
        (region((0, 0), (0, 1)), region((0, 0), (0, 1)), 1.0),
        (region((0, 0), (0, 1)), region((0, 1), (0, 2)), 0.5),  # 2 * 1 / (2 + 2)
        (region((0, 0)), region((0, 0), (0, 1), (0, 2)), 0.5),  # 2 * 1 / (1 + 3)
        (region((1, 1), (2, 2), (3, 3)), ALL, 6 / 23),  # 2 * 3 / (3 + 20)
        (region((0, 0)), region((3, 4)), 0.0),
        (NOTHING, NOTHING, 1.0),
        (NOTHING, ALL, 0.0),
        (region((0, 0)), NOTHING, 0.0),
    ],
)
def test_hard_dice_by_hand(first: Region, second: Region, expected: float) -> None:
    assert hard_dice(first, second) == pytest.approx(expected, abs=1e-15)
    assert hard_dice(second, first) == pytest.approx(expected, abs=1e-15)
    assert hard_dice(first, second).dtype == np.float64
    assert hard_dice(first, second).shape == ()


@given(regions, regions)
def test_hard_dice_is_twice_the_common_pixels_over_all(first: Region, second: Region) -> None:
    common, total = 0, 0
    for pixel in np.ndindex(4, 5):
        common += int(first[pixel] and second[pixel])
        total += int(first[pixel]) + int(second[pixel])
    assert float(hard_dice(first, second)) == pytest.approx(2 * common / total if total else 1.0)


@given(arrays(bool, (3, 4, 5)), regions)
def test_a_batch_has_one_value_an_image(predicted: Region, reference: Region) -> None:
    values = hard_dice(predicted, reference)
    assert values.shape == (3,)
    assert values.tolist() == [float(hard_dice(one, reference)) for one in predicted]


def test_a_volume_is_counted_over_its_three_axes() -> None:
    predicted = np.random.default_rng(0).random((2, 3, 4, 5)) < 0.5
    reference = np.random.default_rng(1).random((3, 4, 5)) < 0.5
    values = hard_dice(predicted, reference)
    assert values.shape == (2,)
    for value, one in zip(values, predicted, strict=True):
        assert value == 2 * np.sum(one & reference) / (one.sum() + reference.sum())


@given(regions, regions)
def test_soft_dice_of_binary_masks_is_the_hard_one_within_epsilon(first: Region, second: Region) -> None:
    soft = soft_dice(first.astype(np.float32), second.astype(np.float32))
    assert soft == pytest.approx(float(hard_dice(first, second)), abs=SOFT_EPSILON)


@given(probabilities, probabilities)
def test_soft_dice_is_equation_1_a_pixel_at_a_time(predicted: FloatArray, reference: FloatArray) -> None:
    overlap, total = 1e-7, 1e-7
    for pixel in np.ndindex(4, 5):
        overlap += 2 * float(predicted[pixel]) * float(reference[pixel])
        total += float(predicted[pixel]) + float(reference[pixel])
    assert soft_dice(predicted, reference) == pytest.approx(overlap / total, rel=1e-6)
    assert 0 <= soft_dice(predicted, reference) <= 1 + 1e-12


def test_soft_dice_by_hand() -> None:
    half = np.full((4, 5), 0.5, np.float32)
    assert soft_dice(half, half) == pytest.approx(0.5)  # 2 * 20 * 0.25 / (10 + 10)
    assert soft_dice(half, ALL.astype(np.float32)) == pytest.approx(2 / 3)  # 2 * 20 * 0.5 / (10 + 20)
    zero = np.zeros((4, 5), np.float32)
    assert soft_dice(zero, zero) == 1
    assert soft_dice(zero, half) < 1e-7


@pytest.mark.parametrize(
    ("one", "two", "expected"),
    [
        (region((0, 0), (0, 1)), region((0, 1), (0, 2)), 1 / 3),
        (region((0, 0)), region((0, 0), (0, 1), (0, 2), (3, 4)), 1 / 4),
        (region((0, 0)), region((3, 4)), 0.0),
        (NOTHING, ALL, 0.0),
        (ALL, ALL, 1.0),
        (NOTHING, NOTHING, 1.0),
    ],
)
def test_intersection_over_union_by_hand(one: Region, two: Region, expected: float) -> None:
    assert iou(one, two) == iou(two, one) == expected
