"""The route `onnx_gradient` against the torch bridge's, on tiny and on real models."""

import dataclasses
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import helper, numpy_helper

from benchmarks.shared_data import triples
from misure_onnx.api import load_segmenter
from misure_onnx.errors import GradientError
from misure_onnx.gradients.base import MaskGradient, MaskProblem, PreservationLoss
from misure_onnx.gradients.onnx_gradient import mask_gradient
from misure_onnx.gradients.onnx_route import build_onnx_gradient
from misure_onnx.images import load_image
from misure_onnx.methods.task import Task
from misure_onnx.perturbation import make_baseline
from misure_onnx.segmenter import CountingSegmenter, Identity, Segmenter
from misure_onnx.target import Target, every_object
from misure_onnx.types import FloatArray
from tests.methods.asked import task_on
from tests.shared_data import shared_data
from tests.tiny_models import noise_image, pointwise, save_model, small_network

torch = pytest.importorskip("torch", reason="torch is not installed: the route is compared with the torch bridge")

from misure_onnx.gradients.torch_route import build_torch_gradient  # noqa: E402 - after the skip

SIZE = (40, 52)
LOSSES = [
    PreservationLoss(),
    PreservationLoss(background_class=0, alpha_background=3.0),
    PreservationLoss(kind="cross_entropy"),
    PreservationLoss(kind="cross_entropy", background_class=0, alpha_target=0.5),
    PreservationLoss(kind="mean_probability"),
    PreservationLoss(kind="score_drop"),
]
FASTEST = (
    "deeplabv3_mnv2_voc_257_nchw.onnx",
    "pan_mnv3s_skin_clothes_hair.onnx",
    "retina_unet_drive_256.onnx",
    "selfie_segmentation_256.onnx",
    "sinet_softmax_portrait.onnx",
)
BOUND = 1e-3
REAL_BOUND = 5e-3
"""In deep networks a few inputs of ReLU lie within rounding of its kink, and either slope is right."""


@pytest.fixture
def task(tmp_path: Path) -> Task:
    return task_on(small_network(tmp_path / "net.onnx", size=SIZE), noise_image(SIZE, 4), preprocess="minus1_1")


def problem_of(task: Task, loss: PreservationLoss | None = None, *baselines: str) -> MaskProblem:
    made = tuple(make_baseline(name, task.image, task.rng()) for name in baselines or ("zero",))
    return MaskProblem(task.image, made, task.target, loss or PreservationLoss())


def both(segmenter: Segmenter, problem: MaskProblem) -> tuple[MaskGradient, MaskGradient]:
    return build_onnx_gradient(segmenter, problem), build_torch_gradient(segmenter, problem)


def assert_same(
    own: MaskGradient, other: MaskGradient, mask: FloatArray, baseline: int = 0, bound: float = BOUND
) -> None:
    evaluation, expected = own.evaluate(mask, baseline), other.evaluate(mask, baseline)
    assert evaluation.loss == pytest.approx(expected.loss, abs=1e-4)
    assert evaluation.dice == pytest.approx(expected.dice, abs=1e-3)
    assert evaluation.gradient.shape == mask.shape
    assert evaluation.gradient.dtype == np.float32
    difference = np.linalg.norm(evaluation.gradient - expected.gradient)
    assert difference < bound * np.linalg.norm(expected.gradient)


@pytest.mark.parametrize("loss", LOSSES)
def test_loss_dice_and_gradient_are_those_of_the_torch_bridge(task: Task, loss: PreservationLoss) -> None:
    own, other = both(task.segmenter, problem_of(task, loss, "zero", "blur"))
    mask = np.random.default_rng(1).random(SIZE).astype(np.float32)
    for baseline in (0, 1):
        assert_same(own, other, mask, baseline)


def test_pixels_of_other_objects_of_the_class_do_not_count(task: Task) -> None:
    largest = every_object(task.segmenter.spec, task.segmenter.predict(task.image), 1)[0]
    assert not largest.domain.all(), "the case needs a second object of the class"
    problem = MaskProblem(task.image, (np.zeros_like(task.image),), largest, PreservationLoss(kind="cross_entropy"))
    own, other = both(task.segmenter, problem)
    assert own.evaluate(np.ones(SIZE, np.float32)).dice == 1.0
    assert_same(own, other, np.full(SIZE, 0.8, np.float32))


@pytest.mark.parametrize("output_layout", ["NCHW", "NHWC", "NPL", "NLP"])
@pytest.mark.parametrize("input_layout", ["NCHW", "NHWC"])
def test_every_layout_gives_the_torch_bridge_s_gradient(tmp_path: Path, input_layout: str, output_layout: str) -> None:
    model = pointwise(tmp_path / "net.onnx", input_layout=input_layout, output_layout=output_layout)
    task = task_on(model, noise_image((20, 24), 1))
    assert_same(*both(task.segmenter, problem_of(task)), np.full((20, 24), 0.9, np.float32))


@pytest.mark.parametrize("ending", ["softmax", "sigmoid", "sigmoid_by_hand", "argmax"])
@pytest.mark.parametrize("loss", [LOSSES[0], LOSSES[2]])
def test_every_ending_gives_the_torch_bridge_s_gradient(tmp_path: Path, ending: str, loss: PreservationLoss) -> None:
    task = task_on(pointwise(tmp_path / "net.onnx", ending=ending), noise_image((20, 24), 1))
    assert_same(*both(task.segmenter, problem_of(task, loss)), np.full((20, 24), 0.9, np.float32))


def test_scores_smaller_than_the_input_are_interpolated(tmp_path: Path) -> None:
    task = task_on(pointwise(tmp_path / "net.onnx", shrink=2), noise_image((20, 24), 1))
    assert_same(*both(task.segmenter, problem_of(task)), np.full((20, 24), 0.9, np.float32))


@pytest.mark.parametrize(
    ("element_type", "ending"), [(onnx.TensorProto.UINT8, "argmax"), (onnx.TensorProto.FLOAT16, "logits")]
)
def test_a_model_that_takes_no_float32_is_differentiated_in_float32(
    tmp_path: Path, element_type: int, ending: str
) -> None:
    model = pointwise(tmp_path / "net.onnx", input_type=element_type, ending=ending)
    task = task_on(model, noise_image((20, 24), 1), preprocess="raw")
    assert_same(*both(task.segmenter, problem_of(task)), np.full((20, 24), 0.9, np.float32))


def test_masks_evaluated_at_the_same_time_give_what_they_give_one_after_the_other(
    task: Task, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mask_gradient, "usable_cores", lambda: 4)
    several = build_onnx_gradient(task.segmenter, problem_of(task), 3)
    assert several.at_once == 3
    assert build_onnx_gradient(task.segmenter, problem_of(task), 8).at_once == 4, "a processor each"
    alone = build_onnx_gradient(task.segmenter, problem_of(task))
    assert alone.at_once == 1
    masks = [np.full(SIZE, share, np.float32) for share in np.linspace(0.2, 1, 12)]
    with ThreadPoolExecutor(3) as pool:
        found = list(pool.map(several.evaluate, masks))
    for mask, evaluation in zip(masks, found, strict=True):
        expected = alone.evaluate(mask)
        assert (evaluation.loss, evaluation.dice) == pytest.approx((expected.loss, expected.dice), rel=1e-6)
        assert np.abs(evaluation.gradient - expected.gradient).max() <= 1e-5 * np.abs(expected.gradient).max()


def test_the_fidelity_of_a_true_graph_is_within_float32_rounding(task: Task) -> None:
    fidelity = build_onnx_gradient(task.segmenter, problem_of(task)).fidelity
    assert fidelity.max_difference is not None
    assert fidelity.directional_error is not None
    assert fidelity.max_difference < 1e-5
    assert fidelity.label_agreement == 1.0
    assert fidelity.directional_error < 0.02


def wrong_weight(model: onnx.ModelProto) -> None:
    weights = numpy_helper.to_array(model.graph.initializer[0]).copy()
    weights[0, 0] += 0.3
    model.graph.initializer[0].CopyFrom(numpy_helper.from_array(weights, model.graph.initializer[0].name))


def other_activation(model: onnx.ModelProto) -> None:
    model.graph.node[1].op_type = "Relu"


@pytest.mark.parametrize("sabotage", [wrong_weight, other_activation])
def test_a_graph_that_deviates_from_the_deployed_model_is_refused_with_the_number(
    task: Task, tmp_path: Path, sabotage: Callable[[onnx.ModelProto], None]
) -> None:
    list(task.judged([np.ones(SIZE, np.float32)], task.image))  # every session is of the true file
    model = onnx.load(tmp_path / "net.onnx")
    sabotage(model)
    onnx.save(model, tmp_path / "net.onnx")
    with pytest.raises(GradientError, match=r"deviate.*accepted|agrees.*accepted"):
        build_onnx_gradient(task.segmenter, problem_of(task))


def test_an_operator_without_rule_is_refused_by_name(tmp_path: Path) -> None:
    nodes = [
        helper.make_node("Atan", ["image"], ["angle"], name="bend"),
        helper.make_node("Atan", ["angle"], ["scores"]),
    ]
    model = save_model(tmp_path / "bent.onnx", nodes, input_shape=["N", 3, 20, 24])
    task = task_on(model, noise_image((20, 24), 1))
    with pytest.raises(GradientError, match=r"no gradient rule for Atan \(2 nodes, first: 'bend'\), opset 17"):
        build_onnx_gradient(task.segmenter, problem_of(task))


def test_a_segmenter_without_graph_is_refused() -> None:
    with pytest.raises(GradientError, match="no ONNX file"):
        build_onnx_gradient(object(), object())  # type: ignore[arg-type]


def test_a_label_map_that_nothing_differentiable_precedes_is_refused(tmp_path: Path) -> None:
    nodes = [
        helper.make_node("Floor", ["image"], ["whole"]),
        helper.make_node("ReduceSum", ["whole", "axis"], ["total"], keepdims=1),
        helper.make_node("Cast", ["total"], ["scores"], to=onnx.TensorProto.INT64),
    ]
    model = save_model(
        tmp_path / "labels.onnx", nodes, input_shape=["N", 3, 20, 24], constants={"axis": np.array([1])},
        output_type=onnx.TensorProto.INT64,
    )  # fmt: skip
    task = task_on(model, np.where(noise_image((20, 24)) > 250, 255, 0).astype(np.uint8))
    with pytest.raises(GradientError, match="label map and no scores"):
        build_onnx_gradient(task.segmenter, problem_of(task))


class Elsewhere(CountingSegmenter):
    """A segmenter that claims to run where this machine cannot."""

    @property
    def identity(self) -> Identity:
        return dataclasses.replace(super().identity, providers_used=("NoSuchExecutionProvider",))


def test_a_provider_that_does_not_load_is_a_gradient_error(task: Task) -> None:
    assert isinstance(task.segmenter, CountingSegmenter)
    with pytest.raises(GradientError, match="NoSuchExecutionProvider"):
        build_onnx_gradient(Elsewhere(task.segmenter.segmenter), problem_of(task))


def test_newer_opsets_reduce_by_an_input(tmp_path: Path) -> None:
    model = onnx.load(small_network(tmp_path / "net.onnx", size=SIZE))
    model.opset_import[0].version = 18
    onnx.save(model, tmp_path / "net.onnx")
    task = task_on(tmp_path / "net.onnx", noise_image(SIZE, 4), preprocess="minus1_1")
    assert_same(*both(task.segmenter, problem_of(task)), np.full(SIZE, 0.7, np.float32))


@pytest.mark.parametrize("name", FASTEST)
def test_real_models_give_the_torch_bridge_s_gradient(name: str) -> None:
    shared_data()
    triple = next(triple for triple in triples() if triple.model.name == name)
    segmenter = load_segmenter(triple.model, triple.preprocessing)
    picture = load_image(triple.image)
    image = segmenter.prepare(picture)
    target = Target.from_class(triple.class_index).resolve(segmenter.spec, segmenter.predict(image), picture.size)
    blurred = make_baseline("blur", image, np.random.default_rng(0))
    own, other = both(segmenter, MaskProblem(image, (blurred,), target, PreservationLoss()))
    mask = np.random.default_rng(3).uniform(0.2, 1, image.shape[2:]).astype(np.float32)
    assert_same(own, other, mask, bound=REAL_BOUND)
