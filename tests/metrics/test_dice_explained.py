"""Dice explained, by hand."""

from pathlib import Path

import numpy as np
import pytest

from misure_onnx.metrics.dice_explained import DiceExplained, DiceExplainedSoft
from misure_onnx.target import Target
from misure_onnx.types import Region
from tests.metrics.candidates import OBJECT, OTHER, candidate, rows_of_object
from tests.tiny_models import SIZE

NOTHING, ALL = np.zeros(SIZE, bool), np.ones(SIZE, bool)
LEFT_OF_IT = np.zeros(SIZE, bool)
LEFT_OF_IT[:, :5] = True


@pytest.mark.parametrize(
    ("region", "expected"),
    [
        (OBJECT, 1.0),
        (ALL, 1.0),
        (rows_of_object(0, 4), 2 * 40 / (40 + 80)),
        (rows_of_object(0, 7), 2 * 70 / (70 + 80)),
        (rows_of_object(2, 3) | LEFT_OF_IT, 2 * 10 / (10 + 80)),
        (LEFT_OF_IT, 0.0),
        (NOTHING, 0.0),
    ],
)
def test_with_black_around_it_the_model_finds_what_the_region_keeps_of_the_object(
    tmp_path: Path, region: Region, expected: float
) -> None:
    assert DiceExplained().measure(candidate(tmp_path, region)).value == pytest.approx(expected)


def test_what_replaces_the_rest_counts_as_found_if_the_model_finds_it(tmp_path: Path) -> None:
    """White instead of black: all 480 pixels are bright but those of the region that are not of the object."""
    bright = candidate(tmp_path, LEFT_OF_IT, baseline=1.0)
    assert DiceExplained().measure(bright).value == pytest.approx(2 * 80 / ((480 - 100) + 80))


def test_other_objects_of_the_class_do_not_count(tmp_path: Path) -> None:
    both = OBJECT | OTHER
    for region in (OBJECT, both):
        one = candidate(tmp_path, region, bright=both, target=Target.from_class(1).at(6, 6))
        assert DiceExplained().measure(one).value == 1
    whole_class = candidate(tmp_path, OBJECT, bright=both)
    assert DiceExplained().measure(whole_class).value == pytest.approx(2 * 80 / (80 + 92))


@pytest.mark.parametrize(
    ("on_object", "elsewhere", "expected"),
    [(1.0, 0.0, 1.0), (0.6, 0.6, 1.0), (0.5, 1.0, 0.0), (0.4, 0.0, 0.0)],
)
def test_the_soft_mask_dims_pixels_and_the_model_sees_them_above_one_half(
    tmp_path: Path, on_object: float, elsewhere: float, expected: float
) -> None:
    soft_mask = np.where(OBJECT, on_object, elsewhere).astype(np.float32)
    assert DiceExplainedSoft().measure(candidate(tmp_path, NOTHING, soft_mask=soft_mask)).value == expected


def test_a_gradual_mask_keeps_the_pixels_above_one_half(tmp_path: Path) -> None:
    shares = np.array([0.1, 0.2, 0.3, 0.4, 0.6, 0.7, 0.8, 0.9])  # a row of the object each: four are above
    soft_mask = np.zeros(SIZE, np.float32)
    soft_mask[4:12] = shares[:, None]
    assert DiceExplainedSoft().measure(candidate(tmp_path, ALL, soft_mask=soft_mask)).value == pytest.approx(80 / 120)


def test_each_looks_at_its_own_mask(tmp_path: Path) -> None:
    judged = candidate(tmp_path, rows_of_object(0, 4), soft_mask=np.zeros(SIZE, np.float32))
    assert DiceExplained().measure(judged).value == pytest.approx(80 / 120)
    assert DiceExplainedSoft().measure(judged).value == 0
