"""RISE, against a slow transcription that keeps every mask."""

import dataclasses
import tracemalloc
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt
import pytest
from threadpoolctl import threadpool_limits

from misure_onnx.errors import ParameterError
from misure_onnx.methods.rise import Rise
from misure_onnx.methods.task import Task
from misure_onnx.records import SamplingError
from tests.methods.asked import task_on
from tests.tiny_models import bright_pixels, disc_image, key_region, noise_image, small_network

Float64 = npt.NDArray[np.float64]


def slow_masks_and_weights(method: Rise, task: Task) -> tuple[Float64, Float64]:
    """Every mask and its Dice, drawn and scored one at a time from the same generator."""
    rng = np.random.default_rng(task.seed)
    cell = [int(np.ceil(extent / method.cells)) for extent in task.size]
    how = {"nearest": cv2.INTER_NEAREST, "linear": cv2.INTER_LINEAR}[method.upsampling]
    reference = task.segmenter.predict(task.image)[0].argmax(axis=0) == task.target.class_index
    masks, weights = [], []
    for _ in range(method.masks):
        grid = np.array(rng.random((method.cells, method.cells)) < method.keep, np.float32)
        top, left = int(rng.integers(0, cell[0])), int(rng.integers(0, cell[1]))
        large = cv2.resize(grid, (cell[1] * (method.cells + 1), cell[0] * (method.cells + 1)), interpolation=how)
        mask = large[top : top + task.size[0], left : left + task.size[1]]
        found = task.segmenter.predict(task.image * mask)[0].argmax(axis=0) == task.target.class_index
        total = found.sum() + reference.sum()
        masks.append(mask)
        weights.append(2.0 * np.sum(found & reference) / total)
    return np.array(masks, np.float64), np.array(weights, np.float64)


@pytest.mark.parametrize("upsampling", ["nearest", "linear"])
@pytest.mark.parametrize("batch_size", [1, 5])
def test_both_formulas_agree_with_the_definition(tmp_path: Path, upsampling: str, batch_size: int) -> None:
    model = small_network(tmp_path / "net.onnx", size=(30, 37))
    task = task_on(model, noise_image((30, 37)), preprocess="minus1_1", batch_size=batch_size)
    settings = {"masks": 45, "cells": 4, "keep": 0.6, "upsampling": upsampling, "estimator": "mean"}
    masks, weights = slow_masks_and_weights(Rise.with_parameters(settings), task)
    plain = np.tensordot(weights, masks, axes=1) / (45 * 0.6)
    centred = np.tensordot(weights - weights.mean(), masks - masks.mean(axis=0), axes=1) / 45
    assert weights.std() > 0, "the case must have different weights to test anything"
    for debias, expected in ((False, plain), (True, centred)):
        found = Rise.with_parameters({**settings, "debias": debias}).attribute(task)
        assert found.saliency == pytest.approx(expected, abs=1e-6)
        assert found.trace["mean_dice"][0] == pytest.approx(weights.mean(), abs=1e-12)


def test_the_share_of_kept_pixels_is_the_declared_one(bright_pixels: Path) -> None:
    task = task_on(bright_pixels, disc_image())
    masks, _ = slow_masks_and_weights(Rise(masks=400, keep=0.3), task)
    assert masks.mean() == pytest.approx(0.3, abs=0.02)


def test_only_the_evidence_stands_out(tmp_path: Path) -> None:
    shape = (42, 42)
    thing, key = np.zeros(shape, bool), np.zeros(shape, bool)
    thing[6:18, 6:18] = True
    key[30:36, 30:36] = True
    model = key_region(tmp_path / "key.onnx", object_region=thing, key=key)
    found = Rise(masks=600).attribute(task_on(model, np.full(shape, 255, np.uint8)))
    assert key[np.unravel_index(found.saliency.argmax(), shape)]
    assert found.saliency[key].mean() > 10 * abs(found.saliency[thing].mean())
    agreement = found.trace["split_half_correlation"][0]
    assert agreement > 0.7
    assert found.sampling_error == SamplingError("split_half_correlation", agreement, 600)


def test_a_map_without_any_signal_says_so(tmp_path: Path) -> None:
    shape = (30, 30)
    thing = np.zeros(shape, bool)
    thing[10:20, 10:20] = True
    model = key_region(tmp_path / "key.onnx", object_region=thing, key=np.ones(shape, bool))
    found = Rise(masks=8, keep=0.1).attribute(task_on(model, np.full(shape, 255, np.uint8)))
    assert found.status == "uninformative"
    assert "raise keep" in found.notes[0]


@pytest.mark.parametrize("estimator", ["mean", "surrogate"])
def test_memory_does_not_grow_with_the_number_of_masks(tmp_path: Path, estimator: str) -> None:
    model = bright_pixels(tmp_path / "large.onnx", size=(128, 128))
    task = task_on(model, disc_image((128, 128), 30))
    peaks = []
    # A block of the surrogate holds 500 masks; from the second on the map of the blocks before is held too.
    for masks in (1000, 2000) if estimator == "surrogate" else (32, 256):
        tracemalloc.start()
        Rise.with_parameters({"masks": masks, "estimator": estimator}).attribute(task)
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[1] < 1.2 * peaks[0]


@pytest.mark.parametrize("estimator", ["mean", "surrogate"])
def test_the_map_does_not_depend_on_the_processors_of_the_process(tmp_path: Path, estimator: str) -> None:
    model = small_network(tmp_path / "m.onnx")
    maps = []
    for threads in (1, 2):
        with threadpool_limits(threads):
            rise = Rise.with_parameters({"masks": 500, "estimator": estimator})
            maps.append(rise.attribute(task_on(model, noise_image())).saliency)
    assert np.array_equal(maps[0], maps[1])


def test_the_paper_s_preset_is_2000_masks_of_7x7_hard_cells_kept_with_0_54() -> None:
    paper = Rise.from_preset("paper")
    assert (paper.masks, paper.cells, paper.keep, paper.upsampling, paper.debias) == (2000, 7, 0.54, "nearest", False)
    assert (paper.estimator, paper.tolerance) == ("mean", 0)
    assert paper.preset() == "paper"
    assert Rise().preset() == "default"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("masks", 1),
        ("cells", 0),
        ("keep", 0.0),
        ("keep", 1.0),
        ("upsampling", "cubic"),
        ("threshold", 1.0),
        ("estimator", "median"),
        ("tolerance", -0.1),
    ],
)
def test_a_parameter_outside_its_range_is_refused(name: str, value: float | str) -> None:
    with pytest.raises(ParameterError, match=name):
        Rise.with_parameters({name: value})


def test_what_is_not_debiased_is_a_mean() -> None:
    with pytest.raises(ParameterError, match="estimator must be mean where debias is false"):
        Rise(debias=False)


def a_key_and_a_thing(tmp_path: Path) -> Task:
    """A model that finds the thing where most of the key is visible: no sum over places."""
    shape = (42, 42)
    thing, key = np.zeros(shape, bool), np.zeros(shape, bool)
    thing[6:18, 6:18] = True
    key[24:36, 24:36] = True
    model = key_region(tmp_path / "key.onnx", object_region=thing, key=key)
    return task_on(model, np.full(shape, 255, np.uint8))


def test_the_surrogate_s_map_is_closer_to_the_limit_than_the_mean_of_as_many_masks(tmp_path: Path) -> None:
    task = a_key_and_a_thing(tmp_path)
    limit = Rise(masks=6000, estimator="mean").attribute(task).saliency
    few = {name: Rise.with_parameters({"masks": 300, "estimator": name}) for name in ("mean", "surrogate")}
    errors = {name: np.abs(rise.attribute(task).saliency - limit).mean() for name, rise in few.items()}
    assert errors["surrogate"] < 0.5 * errors["mean"]


def test_a_tolerance_ends_the_masks_when_the_standard_error_is_below_it(tmp_path: Path) -> None:
    task = a_key_and_a_thing(tmp_path)
    for estimator in ("surrogate", "mean"):
        method = Rise.with_parameters({"masks": 4000, "tolerance": 0.3, "estimator": estimator})
        task.segmenter.forwards = 0
        found = method.attribute(task)
        looks = found.trace["standard_error"]
        expected = [125, 250, 500, *range(1000, 4001, 500)][len(looks) - 1]
        assert looks[-1] <= 0.3
        assert all(look > 0.3 for look in looks[:-1])
        assert task.segmenter.forwards == expected < 4000
        assert found.sampling_error is not None
        assert found.sampling_error.samples == expected
    task.segmenter.forwards = 0
    whole = Rise(masks=expected, estimator="mean").attribute(task)
    assert whole.saliency == pytest.approx(found.saliency, abs=1e-6)  # summed in other portions


def test_the_standard_error_is_that_of_many_runs(tmp_path: Path) -> None:
    task = a_key_and_a_thing(tmp_path)
    runs = [Rise(masks=60, estimator="mean").attribute(dataclasses.replace(task, seed=seed)) for seed in range(30)]
    maps = np.stack([run.saliency for run in runs])
    between = np.sqrt(maps.var(axis=0, ddof=1).mean())
    said = np.sqrt(np.mean([(run.trace["standard_error"][0] * run.saliency.std()) ** 2 for run in runs]))
    assert said == pytest.approx(between, rel=0.2)
