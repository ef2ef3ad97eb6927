"""Extremal perturbation on models whose smallest sufficient area is known."""

from pathlib import Path

import numpy as np
import pytest

from misure_onnx.errors import GradientError, ParameterError
from misure_onnx.methods.extremal_perturbation import ExtremalPerturbation, largest_pixels
from misure_onnx.preprocessing import Preprocessing
from tests.methods.asked import task_on
from tests.tiny_models import disc_image, key_region, noise_image, uniform

SHAPE = (40, 48)


def test_the_smallest_area_that_holds_the_evidence_is_found(tmp_path: Path) -> None:
    thing, key = np.zeros(SHAPE, bool), np.zeros(SHAPE, bool)
    thing[8:32, 8:40] = True  # 768 pixels
    key[14:22, 20:30] = True  # 80 pixels, of which more than half must be seen
    task = task_on(key_region(tmp_path / "key.onnx", object_region=thing, key=key), np.full(SHAPE, 255, np.uint8))
    found = ExtremalPerturbation(areas="0.04,0.1,0.5,1").attribute(task)
    # 0.04 of the object is 31 pixels: fewer than the 41 needed, whatever the mask. 0.1 is 77.
    assert found.trace["dice"] == [0, 0, 1]
    assert found.trace["ratio"] == pytest.approx([0, 31 / 768, 77 / 768])
    assert found.region.sum() == 77
    assert (found.region & key).sum() > 40
    assert found.saliency[key].mean() > 5 * found.saliency[~key].mean()
    assert found.backwards == 2 * 100
    assert found.status == "ok"


def test_where_no_area_is_enough_the_whole_image_is(tmp_path: Path) -> None:
    thing = np.zeros(SHAPE, bool)
    thing[8:32, 8:40] = True
    model = key_region(tmp_path / "key.onnx", object_region=thing, key=np.ones(SHAPE, bool))
    found = ExtremalPerturbation(areas="0.5,1", iterations=4).attribute(task_on(model, np.full(SHAPE, 255, np.uint8)))
    assert found.region.all()
    assert found.status == "saturated"
    assert found.trace["ratio"] == pytest.approx([0, 0.5, 1, 40 * 48 / 768])


def test_a_model_that_ignores_the_image_needs_no_pixel(tmp_path: Path) -> None:
    found = ExtremalPerturbation().attribute(task_on(uniform(tmp_path / "uniform.onnx"), noise_image()))
    assert not found.region.any()
    assert not found.saliency.any()
    assert any("no pixel is needed" in note for note in found.notes)


def test_the_largest_pixels_are_exactly_so_many_and_ties_go_by_importance() -> None:
    mask = np.array([[1, 0.5, 0.5], [0.5, 0, 1]], np.float32)
    importance = np.array([[0, 3, 1], [2, 9, 0]], np.float32)
    assert largest_pixels(mask, 2, importance).tolist() == [[True, False, False], [False, False, True]]
    assert largest_pixels(mask, 4, importance).tolist() == [[True, True, False], [True, False, True]]
    assert not largest_pixels(mask, 0, importance).any()
    assert largest_pixels(mask, 6, importance).all()


def test_the_area_term_is_the_sorted_mask_against_sorted_ones() -> None:
    mask = np.random.default_rng(0).random((6, 7)).astype(np.float32)
    region = largest_pixels(mask, 11, np.zeros_like(mask))
    wanted = np.r_[np.zeros(42 - 11), np.ones(11)]
    assert np.mean((mask - region) ** 2) == pytest.approx(np.mean((np.sort(mask.ravel()) - wanted) ** 2))


def test_without_a_gradient_the_error_says_why() -> None:
    from misure_onnx.api import load_segmenter  # noqa: PLC0415 - only here

    declared = Preprocessing(scale=1 / 255, size=(20, 24), output="sigmoid_logits", color="GRAY")
    segmenter = load_segmenter(lambda images: (images - 0.5).astype(np.float32), declared)
    with pytest.raises(GradientError, match="no graph to differentiate"):
        ExtremalPerturbation().explain(segmenter, disc_image())


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("tau", 1.0), ("areas", "1,0.5"), ("areas", "0,1"), ("areas", "small"), ("areas", ""), ("iterations", 1),
        ("learning_rate", 0.0), ("area_weight", 0.0), ("smoothing", 0.0),
    ],
)  # fmt: skip
def test_a_parameter_outside_its_range_is_refused(name: str, value: float | str) -> None:
    with pytest.raises(ParameterError, match=name):
        ExtremalPerturbation.with_parameters({name: value})
