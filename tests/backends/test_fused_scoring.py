"""Counting inside the graph gives the Dice of the plain path, for every kind of input and output."""

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
import pytest
from onnx import TensorProto, helper

from benchmarks.shared_data import Triple
from misure_onnx.api import load_segmenter
from misure_onnx.backends.fused_scoring import FusedScorer
from misure_onnx.backends.onnx_runtime import OnnxRuntimeSegmenter
from misure_onnx.errors import ModelOutputError, ParameterError, UnsupportedModel
from misure_onnx.images import load_image
from misure_onnx.mask import MaskGrid
from misure_onnx.methods.places import dice_and_places
from misure_onnx.methods.progress import silent
from misure_onnx.methods.rise import Rise
from misure_onnx.methods.sufficient_region import SufficientRegion
from misure_onnx.methods.task import Task
from misure_onnx.overlap import hard_dice
from misure_onnx.perturbation import make_baseline
from misure_onnx.segmenter import CountingSegmenter
from misure_onnx.target import Target, every_object
from misure_onnx.types import FloatArray
from tests.shared_data import real_models
from tests.tiny_models import CLASSES, SIZE, mixing, noise_image, pointwise, save_model

MODELS: dict[str, dict[str, Any]] = {
    "logits": {},
    "softmax": {"ending": "softmax"},
    "independent channels": {"ending": "sigmoid"},
    "one channel": {"ending": "sigmoid", "classes": 1},
    "label map": {"ending": "argmax", "output_layout": "NHW"},
    "thresholded": {"ending": "threshold", "classes": 1},
    "channels last": {"input_layout": "NHWC", "output_layout": "NHWC"},
    "flattened rows of classes": {"output_layout": "NPL"},
    "flattened classes of rows": {"output_layout": "NLP"},
    "half as large scores": {"shrink": 2},
    "half as large scores, channels last": {"shrink": 2, "output_layout": "NHWC"},
    "float16": {"input_type": TensorProto.FLOAT16, "output_type": TensorProto.FLOAT16},
    "float64": {"input_type": TensorProto.DOUBLE},
    "bytes": {"input_type": TensorProto.UINT8},
    "fixed to one image": {"batch": 1},
    "fixed to three images": {"batch": 3},
}


def task_on(model: Path, declared: str, class_index: int | None = None, *, scoring: Any = "fused") -> Task:
    segmenter = CountingSegmenter(load_segmenter(model, declared))
    image = segmenter.prepare(load_image(noise_image(SIZE, 3)))
    scores = segmenter.predict(image)
    target = Target(class_index).resolve(segmenter.spec, scores, SIZE)
    return Task(segmenter, image, target, 0, 2, silent, scoring)


def random_masks(n: int = 5) -> FloatArray:
    return np.random.default_rng(1).random((n, *SIZE), np.float32)


def plain_dice(task: Task, masks: FloatArray, baseline: FloatArray) -> npt.NDArray[np.float64]:
    """By the label map, one mask after the other."""
    spec = task.segmenter.spec
    found = []
    for mask in masks:
        scores = task.segmenter.predict(task.image * mask + baseline * (1 - mask))
        labels = spec.head.labels(scores)[0] == task.target.class_index
        predicted = labels if spec.head.exclusive else scores[0, task.target.class_index] > spec.head.score_threshold
        found.append(float(hard_dice(predicted & task.target.domain, task.target.region)))
    return np.array(found)


@pytest.mark.parametrize("name", MODELS)
@pytest.mark.parametrize("baseline", ["zero", "mean"])
def test_dice_is_that_of_the_plain_path(tmp_path: Path, name: str, baseline: str) -> None:
    declared = "raw" if name == "bytes" else "unit"
    task = task_on(pointwise(tmp_path / "m.onnx", **MODELS[name]), declared)
    replaced = make_baseline(baseline, task.image, task.rng())
    expected = plain_dice(task, random_masks(), replaced)
    assert len(set(expected)) > 1, "the masks must tell something"
    assert task.dice(random_masks(), replaced) == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize("name", MODELS)
def test_what_is_said_place_by_place_is_that_of_the_plain_path(tmp_path: Path, name: str) -> None:
    declared = "raw" if name == "bytes" else "unit"
    task = task_on(pointwise(tmp_path / "m.onnx", **MODELS[name]), declared)
    plain, zero = dataclasses.replace(task, scoring="plain"), np.zeros_like(task.image)
    inside, outside = (
        np.stack([numbers for _, numbers in asked.answered(random_masks(), zero, dice_and_places)])
        for asked in (task, plain)
    )
    assert inside.shape == (5, 1 + 2 * 64)
    assert np.ptp(outside[:, 1:], axis=0).any(), "the places must tell something"
    assert inside == pytest.approx(outside, abs=1e-3 if name == "float16" else 1e-5)


@pytest.mark.parametrize("class_index", range(CLASSES))
def test_every_class_is_counted_first_last_and_between(tmp_path: Path, class_index: int) -> None:
    task = task_on(pointwise(tmp_path / "m.onnx"), "unit", class_index)
    zero = np.zeros_like(task.image)
    assert task.dice(random_masks(), zero) == pytest.approx(plain_dice(task, random_masks(), zero), abs=1e-9)


@pytest.mark.parametrize("ending", ["logits", "softmax", "sigmoid"])
@pytest.mark.parametrize(("own", "rival"), [(1, 3), (3, 1)])
def test_a_contrast_is_counted_between_its_two_classes(tmp_path: Path, ending: str, own: int, rival: int) -> None:
    segmenter = load_segmenter(pointwise(tmp_path / "m.onnx", ending=ending), "unit")
    image = segmenter.prepare(load_image(noise_image(SIZE, 3)))
    target = Target.from_class(own, against=rival).resolve(segmenter.spec, segmenter.predict(image), SIZE)
    assert isinstance(segmenter, OnnxRuntimeSegmenter)
    zero, expected = np.zeros_like(image), []
    for mask in random_masks():
        scores = segmenter.predict(image * mask)
        above = scores[0, own] > scores[0, rival]
        expected.append(float(hard_dice(above & target.domain, target.region)))
    assert len(set(expected)) > 1, "the masks must tell something"
    assert segmenter.fused_scorer(image, target).dice(random_masks(), zero) == pytest.approx(expected, abs=1e-6)


def test_of_equal_scores_the_first_class_is_counted(tmp_path: Path) -> None:
    nodes = [helper.make_node("Concat", ["image", "image"], ["scores"], axis=1)]
    path = save_model(tmp_path / "m.onnx", nodes, input_shape=["N", 1, *SIZE])
    segmenter = load_segmenter(path, {"color": "GRAY", "output": "logits"})
    image = segmenter.prepare(load_image(noise_image(SIZE)[..., 0]))
    target = Target.from_class(0).resolve(segmenter.spec, segmenter.predict(image), SIZE)
    assert isinstance(segmenter, OnnxRuntimeSegmenter)
    assert segmenter.fused_scorer(image, target).dice(random_masks(1), np.zeros_like(image)).tolist() == [1]


def test_other_objects_of_the_class_do_not_count(tmp_path: Path) -> None:
    task = task_on(pointwise(tmp_path / "m.onnx"), "unit")
    smallest = every_object(task.segmenter.spec, task.segmenter.predict(task.image))[-1]
    assert not smallest.domain.all()
    one = Task(task.segmenter, task.image, smallest, 0, 1, silent, "fused")
    ones = np.ones((1, *SIZE), np.float32)
    assert one.dice(ones, np.zeros_like(task.image)).tolist() == [1]


def test_small_masks_are_resized_inside_the_graph(tmp_path: Path) -> None:
    task = task_on(pointwise(tmp_path / "m.onnx"), "unit")
    segmenter = task.segmenter.segmenter
    assert isinstance(segmenter, OnnxRuntimeSegmenter)
    small = np.random.default_rng(2).random((4, 5, 7), np.float32)
    grid, zero = MaskGrid((5, 7), SIZE), np.zeros_like(task.image)
    found = FusedScorer(segmenter, task.image, task.target, mask_size=(5, 7)).dice(small, zero)
    expected = plain_dice(task, np.stack([grid.upsample(mask) for mask in small]), zero)
    assert found == pytest.approx(expected, abs=0.02)  # a pixel within rounding of a border may fall either way


def test_scores_that_are_no_numbers_are_refused_as_outside_the_graph(tmp_path: Path) -> None:
    """log(x - 0.1) of a removed pixel is NaN."""
    nodes = [
        helper.make_node("Sub", ["image", "little"], ["less"]),
        helper.make_node("Log", ["less"], ["logarithm"]),
        helper.make_node("Neg", ["logarithm"], ["negative"]),
        helper.make_node("Concat", ["logarithm", "negative"], ["scores"], axis=1),
    ]
    constants: dict[str, Any] = {"little": np.array(0.1, np.float32)}
    path = save_model(tmp_path / "m.onnx", nodes, input_shape=["N", 1, *SIZE], constants=constants)
    bright = np.maximum(noise_image(SIZE)[..., 0], 60)
    segmenter = load_segmenter(path, {"scale": 1 / 255, "color": "GRAY", "output": "logits"})
    image = segmenter.prepare(load_image(bright))
    target = Target.from_class(1).resolve(segmenter.spec, segmenter.predict(image), SIZE)
    assert isinstance(segmenter, OnnxRuntimeSegmenter)
    with pytest.raises(ModelOutputError, match="NaN"):
        segmenter.fused_scorer(image, target)


def test_a_graph_that_mixes_the_images_of_a_batch_is_asked_one_by_one(tmp_path: Path) -> None:
    task = task_on(mixing(tmp_path / "m.onnx", "mean"), "unit")
    zero = np.zeros_like(task.image)
    assert task.dice(random_masks(), zero) == pytest.approx(plain_dice(task, random_masks(), zero), abs=1e-6)


def test_an_old_file_is_converted_or_refused_but_never_counted_wrongly(tmp_path: Path) -> None:
    """Opset 9's Upsample places pixels differently from what the converter makes of it."""
    nodes = [
        helper.make_node("AveragePool", ["image"], ["small"], kernel_shape=[4, 4], strides=[4, 4]),
        helper.make_node("Upsample", ["small", "scales"], ["scores"], mode="linear"),
    ]
    constants: dict[str, Any] = {"scales": np.array([1, 1, 4, 4], np.float32)}
    path = save_model(tmp_path / "m.onnx", nodes, input_shape=["N", 3, *SIZE], constants=constants, opset=9)
    task = task_on(path, "unit")
    zero = np.zeros_like(task.image)
    try:
        found = task.dice(random_masks(), zero)
    except UnsupportedModel as error:
        assert "Dice" in str(error)  # noqa: PT017 - either outcome is right
    else:
        assert found == pytest.approx(plain_dice(task, random_masks(), zero), abs=1e-6)


def test_a_file_below_opset_13_is_raised(tmp_path: Path) -> None:
    nodes = [helper.make_node("Softmax", ["image"], ["scores"], axis=1)]
    path = save_model(tmp_path / "m.onnx", nodes, input_shape=["N", 3, *SIZE], opset=11)
    assert onnx.load(path).opset_import[0].version == 11
    task = task_on(path, "unit")
    zero = np.zeros_like(task.image)
    assert task.dice(random_masks(), zero) == pytest.approx(plain_dice(task, random_masks(), zero), abs=1e-6)


def test_the_provenance_says_where_masks_were_scored(tmp_path: Path) -> None:
    segmenter = load_segmenter(pointwise(tmp_path / "m.onnx"), "unit")
    inside = Rise(masks=4).explain(segmenter, noise_image(SIZE), scoring="fused")
    outside = Rise(masks=4).explain(segmenter, noise_image(SIZE), scoring="plain")
    assert "masks were scored inside the graph" in inside.provenance.notes
    assert not any("scored" in note for note in outside.provenance.notes)


def test_a_function_has_no_graph_to_score_in() -> None:
    function = load_segmenter(lambda images: images, {"size": [*SIZE], "output": "logits"})
    with pytest.raises(ParameterError, match="no graph: use plain"):
        SufficientRegion().explain(function, noise_image(SIZE), scoring="fused")
    with pytest.raises(ParameterError, match="auto, plain, fused"):
        SufficientRegion().explain(function, noise_image(SIZE), scoring="inside")  # type: ignore[arg-type]


@pytest.mark.parametrize("triple", real_models())
def test_real_models_are_counted_exactly_or_refused(triple: Triple) -> None:
    segmenter = CountingSegmenter(load_segmenter(triple.model, triple.preprocessing))
    image = segmenter.prepare(load_image(triple.image))
    size = (image.shape[2], image.shape[3])
    target = Target.from_class(triple.class_index).resolve(segmenter.spec, segmenter.predict(image), size)
    grid = MaskGrid((7, 7), size)
    masks = np.stack([grid.upsample(mask) for mask in np.random.default_rng(0).random((3, 7, 7), np.float32)])
    plain, fused = (Task(segmenter, image, target, 0, 1, silent, scoring) for scoring in ("plain", "fused"))
    zero = np.zeros_like(image)
    try:
        found = fused.dice(masks, zero)
    except UnsupportedModel:
        assert triple.model.stem == "deeplab_v3_1_default_1", "only the legacy Upsample of opset 9 is refused"
        return
    assert found == pytest.approx(plain.dice(masks, zero), abs=1e-4)
