"""The dilated object, against OpenCV's own dilation."""

from pathlib import Path

import cv2
import numpy as np
import pytest

from misure_onnx.errors import ParameterError
from misure_onnx.methods.dilated_mask import DilatedMask
from tests.methods.asked import task_on
from tests.tiny_models import disc_image

ELEMENT = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (7, 7))


@pytest.mark.parametrize("dilations", [0, 1, 2])
def test_the_region_is_the_object_dilated_so_many_times(bright_pixels: Path, dilations: int) -> None:
    task = task_on(bright_pixels, disc_image(radius=3))
    expected = cv2.dilate(task.target.region.astype(np.uint8), ELEMENT, iterations=dilations)
    found = DilatedMask(dilations).attribute(task)
    assert np.array_equal(found.region, expected > 0)
    assert np.array_equal(found.saliency == 1, task.target.region)
    assert np.array_equal(found.saliency > 0, found.region)


def test_a_ratio_takes_the_fewest_dilations_that_reach_it(bright_pixels: Path) -> None:
    task = task_on(bright_pixels, disc_image(radius=3))
    pixels = task.target.region.sum()
    areas = [DilatedMask(k).attribute(task).region.sum() for k in range(4)]
    assert DilatedMask(ratio=areas[1] / pixels).attribute(task).trace["dilations"] == [1]
    assert DilatedMask(ratio=areas[1] / pixels + 0.01).attribute(task).trace["dilations"] == [2]
    assert DilatedMask(ratio=1.0).attribute(task).trace["dilations"] == [0]


def test_a_ratio_beyond_the_image_ends_with_the_whole_image(bright_pixels: Path) -> None:
    assert DilatedMask(ratio=1e6).attribute(task_on(bright_pixels, disc_image())).region.all()


@pytest.mark.parametrize(("name", "value"), [("dilations", -1), ("ratio", 0.5), ("ratio", -1.0)])
def test_a_parameter_outside_its_range_is_refused(name: str, value: float) -> None:
    with pytest.raises(ParameterError, match=name):
        DilatedMask.with_parameters({name: value})
