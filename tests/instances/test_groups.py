"""Detected, false and missed objects, counted by hand; in images and volumes."""

from pathlib import Path

import numpy as np
import pytest

from misure_onnx.api import load_segmenter, objects_against_truth
from misure_onnx.errors import TargetError
from misure_onnx.instances.groups import find_instances
from misure_onnx.methods.smooth_grad import SmoothGrad
from tests.tiny_models import SIZE, bright_pixels


def squares(*corners: tuple[int, int], side: int = 3) -> np.ndarray[tuple[int, ...], np.dtype[np.bool_]]:
    region = np.zeros(SIZE, bool)
    for row, column in corners:
        region[row : row + side, column : column + side] = True
    return region


def test_one_common_pixel_makes_an_object_detected_and_none_makes_it_false_or_missed() -> None:
    predicted, truth = squares((1, 1), (10, 2)), squares((3, 3), (10, 15))
    found = find_instances(predicted, truth)
    assert [(one.group, one.common, int(one.region.sum())) for one in found] == [
        ("detected", 1, 9), ("false", 0, 9), ("missed", 0, 9),
    ]  # fmt: skip
    assert found[0].region[1:4, 1:4].all()  # the prediction's pixels
    assert found[2].region[10:13, 15:18].all()  # the ground truth's


def test_small_objects_do_not_count() -> None:
    predicted, truth = squares((1, 1), side=2), squares((10, 10), side=2)
    assert find_instances(predicted, truth) == ()
    assert [one.group for one in find_instances(predicted, truth, min_size=4)] == ["false", "missed"]


def test_an_object_that_only_a_small_component_touches_is_in_no_group() -> None:
    assert find_instances(squares((3, 3), side=2), squares((3, 3), side=6)) == ()


def test_what_is_connected_is_a_matter_of_choice() -> None:
    touching = squares((1, 1), (4, 4))  # corner to corner
    nothing = np.zeros(SIZE, bool)
    assert len(find_instances(touching, nothing)) == 1
    assert len(find_instances(touching, nothing, connectivity=1)) == 2


def test_a_volume_s_neighbours_share_a_face_or_an_edge_but_no_corner() -> None:
    volume = np.zeros((8, 8, 8), bool)
    volume[0:2, 0:2, 0:2] = volume[2:4, 2:4, 0:2] = True  # along an edge
    volume[4:6, 4:6, 2:4] = True  # at a corner
    found = find_instances(volume, np.zeros_like(volume))
    assert [int(one.region.sum()) for one in found] == [16, 8]
    assert len(find_instances(volume, np.zeros_like(volume), connectivity=3)) == 1


def test_other_sizes_and_connectivities_are_refused() -> None:
    with pytest.raises(TargetError, match=r"the ground truth has shape \[4, 4\], the prediction \[20, 24\]"):
        find_instances(squares((1, 1)), np.zeros((4, 4), bool))
    with pytest.raises(TargetError, match="connectivity must lie between 1 and 2, got 3"):
        find_instances(squares((1, 1)), squares((1, 1)), connectivity=3)


def test_every_object_of_an_image_can_be_explained_a_missed_one_too(tmp_path: Path) -> None:
    """Each pixel is its own model: dS/dx is 1 / |R| on the object's pixels, wherever it lies, and 0 elsewhere."""
    segmenter = load_segmenter(bright_pixels(tmp_path / "net.onnx"), "unit")
    image = np.asarray(squares((1, 1), (10, 2)) * 255, np.uint8)
    found = objects_against_truth(segmenter, image, squares((3, 3), (10, 15)), 1)
    assert [group for group, _ in found] == ["detected", "false", "missed"]
    for group, target in found:
        explanation = SmoothGrad(samples=2).explain(segmenter, image, target)
        np.testing.assert_allclose(explanation.saliency, target.region / target.region.sum(), rtol=1e-5)
        assert explanation.target.kind == "instance"
        assert explanation.channels is not None
        assert explanation.channels.channels[0].inside == pytest.approx(1)
        assert (group == "missed") == any("predicts nothing here" in note for note in explanation.provenance.notes)


def test_a_ground_truth_of_another_size_than_the_image_is_refused(tmp_path: Path) -> None:
    segmenter = load_segmenter(bright_pixels(tmp_path / "net.onnx"), "unit")
    image = np.asarray(squares((1, 1)) * 255, np.uint8)
    with pytest.raises(TargetError, match=r"shape \[20, 23\], the image is 20x24"):
        objects_against_truth(segmenter, image, np.zeros((20, 23)), 1)
