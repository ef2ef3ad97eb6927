"""Algorithm 1 of the paper, against a slow transcription and against answers known by hand."""

import dataclasses
import math
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt
import pytest

from misure_onnx.errors import ModelOutputError, ParameterError
from misure_onnx.mask import dilate
from misure_onnx.methods.sufficient_region import SufficientRegion, grow_sufficient_region, most_dilations
from misure_onnx.methods.task import Task
from misure_onnx.perturbation import make_baseline
from misure_onnx.preprocessing import Preprocessing
from tests.methods.asked import task_on
from tests.tiny_models import bright_pixels, disc_image, key_region, noise_image, small_network, uniform


def algorithm_1(task: Task, tau: float) -> tuple[npt.NDArray[np.bool_], int, list[float]]:
    """The paper's loop, one mask at a time, with OpenCV's own element and a Dice written out."""
    element = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (7, 7))
    index = task.target.class_index
    reference = task.segmenter.predict(task.image)[0].argmax(axis=0) == index
    mask, curve = reference.astype(np.uint8), []
    while True:
        predicted = task.segmenter.predict(task.image * mask.astype(np.float32))[0].argmax(axis=0) == index
        total = predicted.sum() + reference.sum()
        curve.append(2.0 * np.sum(predicted & reference) / total)
        if curve[-1] > tau:
            return mask.astype(bool), len(curve) - 1, curve
        mask = np.asarray(cv2.dilate(mask, element), np.uint8)


@pytest.mark.parametrize("batch_size", [1, 3, 8])
@pytest.mark.parametrize("seed", [0, 1, 2])
def test_region_dilations_and_curve_are_those_of_the_paper_s_loop(tmp_path: Path, seed: int, batch_size: int) -> None:
    model = small_network(tmp_path / "net.onnx", size=(40, 48))
    task = task_on(model, noise_image((40, 48), seed), preprocess="minus1_1", batch_size=batch_size)
    mask, dilations, curve = algorithm_1(task, 0.97)
    facts = grow_sufficient_region(task, np.zeros_like(task.image), 0.97)
    assert dilations > 0, "the case must need dilations to test anything"
    assert facts.dilations == dilations
    assert np.array_equal(facts.region, mask)
    assert facts.curve == pytest.approx(curve, abs=1e-12)
    assert facts.dice == pytest.approx(curve[-1], abs=1e-12)


def test_the_object_is_grown_until_it_covers_the_evidence_beside_it(tmp_path: Path) -> None:
    shape = (30, 36)
    rows, columns = np.mgrid[: shape[0], : shape[1]]
    thing, key = np.zeros(shape, bool), np.zeros(shape, bool)
    thing[12:18, 4:10] = True
    key[12:18, 17:21] = True  # 8 to 11 columns to the right of the object's last column
    model = key_region(tmp_path / "key.onnx", object_region=thing, key=key)
    task = task_on(model, np.full(shape, 255, np.uint8))
    facts = grow_sufficient_region(task, np.zeros_like(task.image), 0.9)
    # A dilation adds 3 columns, so 3 of them reach columns 10..18: half of the key, and 0.5 is not above 0.5.
    assert facts.dilations == 4
    assert facts.curve == (0.0, 0.0, 0.0, 0.0, 1.0)
    assert (facts.region & key).sum() == key.sum()
    assert not facts.saturated
    # A Dice of 0 does not exceed 0 either: the threshold is strict.
    assert grow_sufficient_region(task, np.zeros_like(task.image), 0.0).dilations == 4
    assert rows.shape == columns.shape == facts.region.shape


def test_the_threshold_is_strict_as_in_the_algorithm(bright_pixels: Path) -> None:
    task = task_on(bright_pixels, disc_image())
    facts = grow_sufficient_region(task, np.zeros_like(task.image), 0.999)
    assert (facts.dilations, facts.dice) == (0, 1.0)


def test_a_region_of_nearly_the_whole_image_is_flagged(tmp_path: Path) -> None:
    task = task_on(uniform(tmp_path / "uniform.onnx"), noise_image())
    facts = grow_sufficient_region(task, np.zeros_like(task.image), 0.9)
    assert facts.saturated
    assert facts.region.all()


@pytest.mark.parametrize(
    ("shape", "exact"), [((36, 36), 18), ((36, 28), 17), ((20, 60), 20), ((60, 10), 22), ((2, 60), 20)]
)
def test_the_farthest_corner_is_reached_within_the_stated_number_of_dilations(
    tmp_path: Path, shape: tuple[int, int], exact: int
) -> None:
    thing, key = np.zeros(shape, bool), np.zeros(shape, bool)
    thing[0, 0] = True
    key[-1, -1] = True
    model = key_region(tmp_path / "key.onnx", object_region=thing, key=key)
    task = task_on(model, np.full(shape, 255, np.uint8), declared_layout="NCHW")
    facts = grow_sufficient_region(task, np.zeros_like(task.image), 0.9)
    assert facts.dilations == exact
    assert exact <= most_dilations(*shape) <= exact + 1
    assert facts.region[-1, -1]


@pytest.mark.parametrize(("shape", "dilations"), [((224, 224), 112), ((520, 780), 325)])
def test_usual_images_need_at_most_a_quarter_of_height_plus_width(shape: tuple[int, int], dilations: int) -> None:
    assert most_dilations(*shape) == dilations


@pytest.mark.parametrize("shape", [(1, 1, 19), (1, 20, 1), (21, 1, 1), (4, 5, 6), (2, 9, 3), (7, 7, 7), (1, 1, 1)])
def test_a_corner_voxel_fills_a_volume_within_the_stated_number_of_dilations(shape: tuple[int, int, int]) -> None:
    region, dilations = np.zeros(shape, bool), 0
    region[0, 0, 0] = True
    while not region.all():
        region, dilations = dilate(region), dilations + 1
    steps = sum(extent - 1 for extent in shape)  # along the axes, one after the other, three voxels a dilation
    assert dilations <= most_dilations(*shape) == math.ceil(steps / 3)
    if sorted(shape)[1] == 1:
        assert dilations == most_dilations(*shape), "a line cannot be filled faster"


@pytest.mark.parametrize(("pixels", "flagged"), [(456, False), (457, True)])
def test_more_than_95_percent_of_the_image_are_flagged(tmp_path: Path, pixels: int, flagged: bool) -> None:  # noqa: FBT001 - a column of the table
    picture = np.where(np.arange(480) < pixels, 255, 0).astype(np.uint8).reshape(20, 24)
    task = task_on(bright_pixels(tmp_path / "bright.onnx"), picture)
    facts = grow_sufficient_region(task, np.zeros_like(task.image), 0.9)
    assert (int(facts.region.sum()), facts.dilations, facts.saturated) == (pixels, 0, flagged)


def test_every_dilation_is_a_step_of_the_progress(tmp_path: Path) -> None:
    thing, key = np.zeros((36, 36), bool), np.zeros((36, 36), bool)
    thing[0, 0] = key[-1, -1] = True
    told: list[tuple[str, int, int]] = []
    task = task_on(
        key_region(tmp_path / "key.onnx", object_region=thing, key=key), np.full((36, 36), 255, np.uint8),
        declared_layout="NCHW",
    )  # fmt: skip
    task = dataclasses.replace(task, progress=lambda *step: told.append(step))
    facts = grow_sufficient_region(task, np.zeros_like(task.image), 0.9)
    assert told == [("sufficient region", done, 19) for done in range(1, facts.dilations + 2)]  # (36 + 36) / 4 and 1


def test_a_model_that_is_not_deterministic_is_refused() -> None:
    calls: list[int] = []

    def forgets_the_object(images: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        calls.append(len(images))
        found = np.where(images[:, :1] > 0.5, 1.0, -1.0) if len(calls) <= 2 else np.full_like(images[:, :1], -1.0)
        return np.asarray(found, np.float32)

    declared = Preprocessing(scale=1 / 255, size=(20, 24), output="sigmoid_logits", color="GRAY")
    from misure_onnx.api import load_segmenter  # noqa: PLC0415 - only this test needs a function as a model

    segmenter = load_segmenter(forgets_the_object, declared)
    with pytest.raises(ModelOutputError, match="not deterministic"):
        SufficientRegion().explain(segmenter, disc_image())


def test_a_target_that_this_image_does_not_show_grows_to_the_whole_image(tmp_path: Path) -> None:
    """As when a method is run again on another image with its target fixed; else that would be an error."""
    task = task_on(bright_pixels(tmp_path / "bright.onnx"), disc_image())
    dark = dataclasses.replace(task, image=np.zeros_like(task.image), target_is_foreign=True)
    facts = grow_sufficient_region(dark, dark.image, 0.9)
    assert facts.region.all()
    assert facts.saturated
    assert facts.dice == 0
    for tau in (0.9, 0.0):
        with pytest.raises(ModelOutputError, match="not deterministic"):
            grow_sufficient_region(dataclasses.replace(dark, target_is_foreign=False), dark.image, tau)


def test_the_saliency_map_falls_with_every_dilation(tmp_path: Path) -> None:
    model = small_network(tmp_path / "net.onnx", size=(40, 48))
    task = task_on(model, noise_image((40, 48), 1), preprocess="minus1_1")
    attribution = SufficientRegion(tau=0.97).attribute(task)
    assert attribution.sufficient_region is not None
    steps = attribution.sufficient_region.dilations + 1
    assert np.array_equal(attribution.saliency == 1, task.target.region)
    assert np.array_equal(attribution.saliency > 0, attribution.region)
    assert np.allclose(attribution.saliency * steps, np.rint(attribution.saliency * steps), atol=1e-5)


def test_what_stage_1_found_and_how_stands_in_its_attribution(tmp_path: Path) -> None:
    task = task_on(uniform(tmp_path / "uniform.onnx"), noise_image())
    found = SufficientRegion(tau=0.8, baseline="mean").attribute(task)
    facts = grow_sufficient_region(task, make_baseline("mean", task.image, task.rng()), 0.8)
    assert found.sufficient_region is not None
    assert (found.tau, found.baseline, found.status) == (0.8, "mean", "saturated")
    assert found.trace == {"sufficient_region_dice": list(facts.curve)}
    assert found.sufficient_region.curve == facts.curve
    assert found.soft_mask.dtype == found.saliency.dtype == np.float32
    assert np.array_equal(found.soft_mask, found.region)
    small = SufficientRegion().attribute(task_on(bright_pixels(tmp_path / "bright.onnx"), disc_image()))
    assert small.status == "ok"


def test_a_random_baseline_follows_the_task_s_seed(tmp_path: Path) -> None:
    model = small_network(tmp_path / "net.onnx", size=(40, 48))
    curves = []
    for seed in (0, 1):
        task = task_on(model, noise_image((40, 48), 1), preprocess="minus1_1", seed=seed)
        noise = make_baseline("noise", task.image, np.random.default_rng(seed))
        facts = grow_sufficient_region(task, noise, 0.97)
        found = SufficientRegion(tau=0.97, baseline="noise").attribute(task)
        assert found.trace["sufficient_region_dice"] == list(facts.curve)
        curves.append(facts.curve)
    assert curves[0] != curves[1], "the seeds must differ to test anything"


@pytest.mark.parametrize("tau", [-0.1, 1.0, 2.0])
def test_tau_outside_its_range_is_refused(tau: float) -> None:
    with pytest.raises(ParameterError, match="tau"):
        SufficientRegion(tau=tau)
