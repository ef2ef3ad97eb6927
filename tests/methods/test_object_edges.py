"""The edges of an object, against the distances written out."""

from pathlib import Path

import numpy as np
import pytest

from misure_onnx.errors import ParameterError
from misure_onnx.methods.object_edges import ObjectEdges
from tests.methods.asked import task_on
from tests.tiny_models import disc_image, noise_image, uniform


@pytest.mark.parametrize("width", [1.0, 2.0, 2.5])
def test_edges_are_the_pixels_with_a_pixel_of_the_other_side_within_the_width(
    bright_pixels: Path, width: float
) -> None:
    task = task_on(bright_pixels, disc_image())
    region = task.target.region
    places = [(row, column) for row in range(region.shape[0]) for column in range(region.shape[1])]
    expected = np.zeros_like(region)
    for row, column in places:
        others = [(r, c) for r, c in places if region[r, c] != region[row, column]]
        expected[row, column] = min(np.hypot(r - row, c - column) for r, c in others) <= width + 1e-9
    found = ObjectEdges(width).attribute(task)
    assert np.array_equal(found.region, expected)
    assert np.array_equal(found.saliency, expected.astype(np.float32))


def test_an_object_that_fills_the_image_has_no_edges(tmp_path: Path) -> None:
    assert not ObjectEdges().attribute(task_on(uniform(tmp_path / "uniform.onnx"), noise_image())).region.any()


def test_a_width_below_a_pixel_is_refused() -> None:
    with pytest.raises(ParameterError, match="width"):
        ObjectEdges(0.5)
