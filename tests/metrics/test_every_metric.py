"""What every metric of the registry must do."""

import dataclasses
from pathlib import Path

import numpy as np
import pytest

from misure_onnx.metrics import METRICS
from misure_onnx.records import Metrics
from tests.metrics.candidates import OBJECT, candidate, rows_of_object
from tests.tiny_models import SIZE

every_metric = pytest.mark.parametrize("name", METRICS)


@every_metric
def test_it_says_which_way_is_better(name: str) -> None:
    assert type(METRICS[name]().higher_is_better) is bool


@every_metric
def test_it_is_frozen_and_made_without_arguments(name: str) -> None:
    metric = METRICS[name]()
    assert metric == METRICS[name]()
    with pytest.raises(dataclasses.FrozenInstanceError):
        metric.higher_is_better = False  # type: ignore[misc]


@every_metric
@pytest.mark.parametrize(
    "region",
    [np.zeros(SIZE, bool), rows_of_object(0, 3), OBJECT, np.ones(SIZE, bool)],
    ids=["none", "part", "it", "all"],
)
def test_it_gives_a_finite_float_that_is_not_negative_and_the_same_twice(
    tmp_path: Path, name: str, region: np.ndarray[tuple[int, ...], np.dtype[np.bool_]]
) -> None:
    judged = candidate(tmp_path, region)
    image, kept = judged.image.copy(), judged.region.copy()
    value = METRICS[name]().measure(judged)
    assert type(value) is float
    assert np.isfinite(value)
    assert value >= 0
    assert METRICS[name]().measure(judged) == value
    assert np.array_equal(judged.image, image)
    assert np.array_equal(judged.region, kept)


@every_metric
def test_it_goes_the_way_it_says_when_half_of_the_object_is_left_out(tmp_path: Path, name: str) -> None:
    """The half is worse for the model, and the smaller of the two."""
    whole, half = (METRICS[name]().measure(candidate(tmp_path, region)) for region in (OBJECT, rows_of_object(0, 4)))
    assert whole != half
    assert whole > half


def test_every_metric_has_its_place_in_the_document() -> None:
    fields = [field.name for field in dataclasses.fields(Metrics)]
    assert list(METRICS) == fields[: len(METRICS)]
