"""The other ways to read eq. 1, each checked where its answer is known."""

from pathlib import Path

import numpy as np
import pytest

from benchmarks.paper.readings import Reading, with_second_softmax
from misure_onnx.api import load_segmenter, make_method
from misure_onnx.images import load_image
from misure_onnx.methods.task import Task
from misure_onnx.segmenter import CountingSegmenter
from misure_onnx.target import Target
from tests.tiny_models import disc_image


@pytest.fixture
def task(small_network: Path) -> Task:
    segmenter = CountingSegmenter(load_segmenter(small_network, "unit"))
    image = segmenter.prepare(load_image(np.repeat(disc_image()[..., None], 3, axis=2)))
    target = Target().resolve(segmenter.spec, segmenter.predict(image), image.shape[2:])
    return Task(segmenter, image, target, 0, 1, lambda *_: None)


def test_with_nothing_read_otherwise_it_is_preset_paper(task: Task) -> None:
    ours = Reading(mask_size=20, iterations=12).attribute(task)
    parameters = {"mask_size": "20", "iterations": "12", "background": "complement"}
    preset = make_method("misure", "paper", parameters).attribute(task)
    np.testing.assert_allclose(ours.soft_mask, preset.soft_mask, atol=1e-6)
    assert (ours.soft_mask > 0).sum() > 0


def test_the_start_is_one_on_the_object_and_less_around_it(task: Task) -> None:
    everything = np.ones(task.size, bool)
    start = Reading(outside=0.5, mask_size=40).start(task, everything)
    assert set(np.unique(start)) == {0.5, 1.0}
    object_only = Reading(outside=0.5, mask_size=40).start(task, task.target.region)
    assert set(np.unique(object_only)) == {0.0, 1.0}


def test_what_is_dark_in_the_first_channel_starts_at_zero(task: Task) -> None:
    height, width = task.size
    everything = np.ones(task.size, bool)
    start = Reading(visible=True, mask_size=height).start(task, everything)
    columns = (2 * np.arange(height) + 1) * width // (2 * height)  # pixel under each cell's centre
    np.testing.assert_array_equal(start > 0, (task.image[0, 0] > 0)[:, columns])


def test_averaged_over_classes_the_weights_are_those_of_two_mean_dice_losses(task: Task) -> None:
    """2 (1 - D_l) / L + (1 - D_0 + 1 - D_l) / L."""
    classes = task.segmenter.spec.classes
    loss = Reading(averaged=True).preservation(task)
    assert (loss.alpha_target, loss.alpha_background) == pytest.approx((3 / classes, 1 / classes))
    plain = Reading().preservation(task)
    assert (plain.alpha_target, plain.alpha_background) == (2, 1)


def test_a_second_softmax_is_applied_to_probabilities(small_network: Path, tmp_path: Path, task: Task) -> None:
    doubled = load_segmenter(with_second_softmax(small_network, tmp_path / "double.onnx"))
    logits = task.segmenter.predict(task.image)
    exponentials = np.exp(logits - logits.max(axis=1, keepdims=True))
    once = exponentials / exponentials.sum(axis=1, keepdims=True)
    np.testing.assert_allclose(doubled.predict(task.image), once, atol=1e-5)
    assert doubled.spec.head.kind == "logits"  # so that the package applies its own once more
