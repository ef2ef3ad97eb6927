"""Where a region lies: answers by hand."""

import numpy as np
import pytest

from misure_onnx.audit.placement import placement


def test_the_object_itself_has_no_outside_and_its_rim_is_the_boundary() -> None:
    prediction = np.zeros((20, 20), bool)
    prediction[5:15, 5:15] = True  # side 10: the band is one pixel wide
    place = placement(prediction, prediction)
    assert place is not None
    assert (place.outside, place.distance) == (0, 0)
    assert place.boundary == pytest.approx(36 / 100)
    assert place.interior == pytest.approx(64 / 100)


def test_pixels_outside_are_counted_and_their_distance_is_in_sides() -> None:
    prediction, region = np.zeros((20, 20), bool), np.zeros((20, 20), bool)
    prediction[0:4, 0:4] = True  # side 4
    region[0, 0] = region[0, 7] = True  # column 7 is four pixels from column 3
    place = placement(region, prediction)
    assert place is not None
    assert (place.outside, place.boundary, place.interior) == (0.5, 0, 0.5)
    assert place.distance == pytest.approx(1)


def test_an_object_that_fills_the_image_has_no_border() -> None:
    everything = np.ones((6, 6), bool)
    place = placement(everything, everything)
    assert place is not None
    assert (place.outside, place.boundary, place.interior, place.distance) == (0, 0, 1, 0)


def test_nothing_is_said_about_an_empty_region_or_object() -> None:
    empty, full = np.zeros((4, 4), bool), np.ones((4, 4), bool)
    assert placement(empty, full) is None
    assert placement(full, empty) is None


def test_a_volume_s_side_is_the_cube_root() -> None:
    prediction, region = np.zeros((9, 9, 9), bool), np.zeros((9, 9, 9), bool)
    prediction[0:2, 0:2, 0:2] = True
    region[0, 0, 5] = True  # four voxels from the object, two of its sides
    place = placement(region, prediction)
    assert place is not None
    assert place.distance == pytest.approx(2)
