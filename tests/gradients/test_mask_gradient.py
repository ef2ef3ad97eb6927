"""The preservation loss and its gradient, against numpy and against central differences through ONNX Runtime."""

import dataclasses
from collections.abc import Callable
from pathlib import Path

import numpy as np
import numpy.typing as npt
import onnx
import pytest
from onnx import helper, numpy_helper

from misure_onnx.errors import FidelityError, GradientError
from misure_onnx.gradients import ROUTES, mask_gradient
from misure_onnx.gradients.base import MaskProblem, PreservationLoss
from misure_onnx.methods.task import Task
from misure_onnx.overlap import soft_dice
from misure_onnx.perturbation import blend, make_baseline
from misure_onnx.target import Target
from tests.methods.asked import task_on
from tests.tiny_models import in_half_precision, noise_image, pointwise, save_model, small_network

SIZE = (40, 52)
LOSSES = [
    PreservationLoss(),
    PreservationLoss(alpha_target=1.0, alpha_background=3.0),
    PreservationLoss(background_class=0),
    PreservationLoss(kind="cross_entropy"),
    PreservationLoss(kind="cross_entropy", background_class=0, alpha_target=0.5),
    PreservationLoss(kind="mean_probability"),
    PreservationLoss(kind="score_drop"),
]


@pytest.fixture
def task(tmp_path: Path) -> Task:
    return task_on(small_network(tmp_path / "net.onnx", size=SIZE), noise_image(SIZE, 4), preprocess="minus1_1")


CONTRAST = Target.from_class(1, against=3)


@pytest.fixture(
    params=[None, "logits", "softmax", "sigmoid"], ids=lambda ending: f"contrast of {ending}" if ending else "class"
)
def asked(request: pytest.FixtureRequest, task: Task, tmp_path: Path) -> Task:
    """A class of a real little network, and contrasts of every kind of scores."""
    if request.param is None:
        return task
    if request.param == "logits":
        return task_on(
            small_network(tmp_path / "n.onnx", size=SIZE), noise_image(SIZE, 4), CONTRAST, preprocess="minus1_1"
        )
    model = pointwise(tmp_path / "p.onnx", size=SIZE, ending=request.param)
    return task_on(model, noise_image(SIZE, 4), CONTRAST)


@pytest.fixture(params=ROUTES)
def route(request: pytest.FixtureRequest) -> str:
    if request.param == "torch":
        pytest.importorskip("torch", reason="torch is not installed")
    return str(request.param)


def problem_of(task: Task, loss: PreservationLoss, *baselines: str) -> MaskProblem:
    made = tuple(make_baseline(name, task.image, task.rng()) for name in baselines or ("zero",))
    return MaskProblem(task.image, made, task.target, loss)


def loss_in_numpy(task: Task, problem: MaskProblem, mask: npt.NDArray[np.float32], baseline: int = 0) -> float:
    """The docstring of `PreservationLoss`, on the deployed model."""
    scores = task.segmenter.predict(blend(task.image, mask[None], problem.baselines[baseline]))
    p = task.segmenter.spec.head.probabilities(scores)[0].astype(np.float64)
    loss, y, domain = problem.loss, task.target.region.astype(float), task.target.domain
    found = p[task.target.class_index]
    if task.target.rival is not None:
        found = found / (found + p[task.target.rival])
    if loss.kind == "mean_probability":
        return 1 - float(found[task.target.region].mean())
    if loss.kind == "score_drop":
        p = task.segmenter.spec.head.probabilities(task.segmenter.predict(task.image))[0].astype(np.float64)
        whole = p[task.target.class_index]
        if task.target.rival is not None:
            whole = whole / (whole + p[task.target.rival])
        return float(np.maximum(whole - found, 0)[task.target.region].mean())
    rest = 1 - found if loss.background_class is None or task.target.rival is not None else p[loss.background_class]
    if loss.kind == "cross_entropy":
        terms = loss.alpha_target * y * np.log(np.maximum(found, 1e-7)) + loss.alpha_background * (1 - y) * np.log(
            np.maximum(rest, 1e-7)
        )
        return float(-terms[domain].mean())
    dice = [soft_dice(a[domain][None], b[domain][None]) for a, b in ((found, y), (rest, 1 - y))]
    return 1 - loss.alpha_target * dice[0] - loss.alpha_background * dice[1]


@pytest.mark.parametrize("loss", LOSSES)
def test_loss_and_hard_dice_are_those_of_the_deployed_model(route: str, asked: Task, loss: PreservationLoss) -> None:
    problem = problem_of(asked, loss, "zero", "blur")
    gradient, _ = mask_gradient(route, asked.segmenter, problem)
    mask = np.random.default_rng(1).random(SIZE).astype(np.float32)
    for baseline in (0, 1):
        evaluation = gradient.evaluate(mask, baseline)
        assert evaluation.loss == pytest.approx(loss_in_numpy(asked, problem, mask, baseline), abs=1e-5)
        assert evaluation.dice == pytest.approx(asked.dice(mask[None], problem.baselines[baseline])[0], abs=1e-9)


@pytest.mark.parametrize("loss", LOSSES)
def test_the_gradient_agrees_with_central_differences_through_onnx_runtime(
    route: str, asked: Task, loss: PreservationLoss
) -> None:
    problem = problem_of(asked, loss, "mean")
    gradient, _ = mask_gradient(route, asked.segmenter, problem)
    rng = np.random.default_rng(2)
    kinked = loss.kind == "score_drop"  # few pixels may cross the kink of max(., 0): drops must be large, steps small
    mask = rng.uniform(*((0.05, 0.25) if kinked else (0.3, 0.7)), SIZE).astype(np.float32)
    analytic = gradient.evaluate(mask).gradient
    step = 3e-4 if kinked else 1e-2
    through_bridge, through_runtime = [], []
    for _ in range(12):
        direction = rng.normal(0, 1, SIZE).astype(np.float32)
        plus, minus = (loss_in_numpy(asked, problem, mask + sign * step * direction) for sign in (1, -1))
        through_runtime.append((plus - minus) / (2 * step))
        through_bridge.append(float(np.sum(analytic * direction, dtype=np.float64)))
    difference = np.linalg.norm(np.subtract(through_bridge, through_runtime))
    assert difference / np.linalg.norm(through_runtime) < 0.02


def test_pixels_of_other_objects_of_the_class_do_not_count(route: str, task: Task) -> None:
    """A target whose domain leaves pixels out has no gradient through them."""
    from misure_onnx.target import every_object  # noqa: PLC0415 - only here

    scores = task.segmenter.predict(task.image)
    largest = every_object(task.segmenter.spec, scores, 1)[0]
    assert not largest.domain.all(), "the case needs a second object of the class"
    problem = MaskProblem(task.image, (np.zeros_like(task.image),), largest, PreservationLoss())
    gradient, _ = mask_gradient(route, task.segmenter, problem)
    ones = np.ones(SIZE, np.float32)
    assert gradient.evaluate(ones).dice == 1.0


def test_objects_of_a_class_share_the_session_and_each_has_its_own_gradient(
    route: str, task: Task, tmp_path: Path
) -> None:
    from misure_onnx.target import every_object  # noqa: PLC0415 - only here

    scores = task.segmenter.predict(task.image)
    mine = [t for t in every_object(task.segmenter.spec, scores, 1) if t.class_index == task.target.class_index][:2]
    assert len(mine) == 2, "the case needs two objects of the class"
    zero = (np.zeros_like(task.image),)
    mask = np.random.default_rng(1).random(SIZE).astype(np.float32)
    built = [
        mask_gradient(route, task.segmenter, MaskProblem(task.image, zero, t, PreservationLoss()))[0] for t in mine
    ]
    inner = {"onnx_gradient": "_session", "torch": "_graph"}[route]
    assert getattr(built[0], inner) is getattr(built[1], inner)
    shared = [gradient.evaluate(mask) for gradient in built]
    for target, evaluation in zip(mine, shared, strict=True):
        alone = task_on(small_network(tmp_path / "alone.onnx", size=SIZE), noise_image(SIZE, 4), preprocess="minus1_1")
        problem = MaskProblem(task.image, zero, target, PreservationLoss())
        expected = mask_gradient(route, alone.segmenter, problem)[0].evaluate(mask)
        np.testing.assert_array_equal(evaluation.gradient, expected.gradient)
        assert (evaluation.loss, evaluation.dice) == (expected.loss, expected.dice)
    assert not np.array_equal(shared[0].gradient, shared[1].gradient)


def test_a_uint8_model_is_differentiated_from_its_float_side(route: str, tmp_path: Path) -> None:
    rng = np.random.default_rng(3)
    nodes = [
        helper.make_node("Cast", ["image"], ["float"], to=onnx.TensorProto.FLOAT),
        helper.make_node("Transpose", ["float"], ["planes"], perm=[0, 3, 1, 2]),
        helper.make_node("Div", ["planes", "full"], ["unit"]),
        helper.make_node("Conv", ["unit", "w"], ["scores_nchw"], pads=[1, 1, 1, 1]),
        helper.make_node("ArgMax", ["scores_nchw"], ["labels"], axis=1, keepdims=0),
    ]
    constants = {"full": np.array(255, np.float32), "w": rng.normal(0, 1, (3, 3, 3, 3)).astype(np.float32)}
    model = save_model(
        tmp_path / "uint8.onnx", nodes, input_shape=[1, *SIZE, 3], constants=constants, outputs=["labels"],
        input_type=onnx.TensorProto.UINT8, output_type=onnx.TensorProto.INT64,
    )  # fmt: skip
    task = task_on(model, noise_image(SIZE, 1), preprocess="raw")
    gradient, _ = mask_gradient(route, task.segmenter, problem_of(task, PreservationLoss()))
    evaluation = gradient.evaluate(np.ones(SIZE, np.float32))
    assert evaluation.dice == 1.0
    assert np.abs(evaluation.gradient).max() > 0
    assert gradient.fidelity.label_agreement == 1.0
    assert gradient.fidelity.max_difference is not None  # of the scores before the label map
    assert gradient.fidelity.max_difference < 1e-5
    assert gradient.fidelity.directional_error is not None
    assert gradient.fidelity.directional_error < 0.02


def test_a_uint8_model_that_gives_scores_is_served(route: str, tmp_path: Path) -> None:
    """Central differences of rounded pixels are a staircase; they once refused every such model."""
    model = pointwise(tmp_path / "uint8.onnx", input_type=onnx.TensorProto.UINT8)
    task = task_on(model, noise_image((20, 24), 3), preprocess="raw")
    gradient, _ = mask_gradient(route, task.segmenter, problem_of(task, PreservationLoss()))
    assert gradient.fidelity.directional_error is not None
    assert gradient.fidelity.directional_error < 0.02


def test_a_model_in_half_precision_is_served(route: str, tmp_path: Path) -> None:
    """A central difference over a thousandth of a pixel's value is all rounding there; it once refused such models."""
    model = in_half_precision(small_network(tmp_path / "net.onnx", size=SIZE))
    task = task_on(model, noise_image(SIZE, 4), preprocess="minus1_1")
    gradient, _ = mask_gradient(route, task.segmenter, problem_of(task, PreservationLoss()))
    assert gradient.evaluate(np.ones(SIZE, np.float32)).dice > 0.99


def test_scores_smaller_than_the_input_are_compared_at_its_size(route: str, tmp_path: Path) -> None:
    rng = np.random.default_rng(5)
    nodes = [helper.make_node("Conv", ["image", "w"], ["scores"], strides=[4, 4], pads=[1, 1, 1, 1])]
    model = save_model(
        tmp_path / "quarter.onnx", nodes, input_shape=["N", 3, *SIZE],
        constants={"w": rng.normal(0, 1, (3, 3, 4, 4)).astype(np.float32)},
    )  # fmt: skip
    task = task_on(model, noise_image(SIZE, 1), preprocess="minus1_1")
    gradient, _ = mask_gradient(route, task.segmenter, problem_of(task, PreservationLoss()))
    assert gradient.fidelity.label_agreement == 1.0
    assert gradient.fidelity.max_difference is not None
    assert gradient.fidelity.max_difference < 1e-5


def wrong_weight(model: onnx.ModelProto) -> None:
    weights = numpy_helper.to_array(model.graph.initializer[0]).copy()
    weights[0, 0] += 0.3
    model.graph.initializer[0].CopyFrom(numpy_helper.from_array(weights, model.graph.initializer[0].name))


def wrong_activation(model: onnx.ModelProto) -> None:
    model.graph.node[1].op_type = "Relu"


def swapped_classes(model: onnx.ModelProto) -> None:
    model.graph.node[-1].output[0] = "unordered"
    model.graph.node.append(helper.make_node("Gather", ["unordered", "order"], ["scores"], axis=1))
    model.graph.initializer.append(numpy_helper.from_array(np.array([1, 0, 2, 3]), "order"))


@pytest.mark.parametrize("sabotage", [wrong_weight, wrong_activation, swapped_classes])
def test_a_bridge_that_deviates_from_the_deployed_model_is_refused_with_the_number(
    route: str, tmp_path: Path, sabotage: Callable[[onnx.ModelProto], None]
) -> None:
    """The sessions are created from the true file; the bridge then reads a changed one in its place."""
    path = small_network(tmp_path / "net.onnx", size=SIZE)
    task = task_on(path, noise_image(SIZE, 4), preprocess="minus1_1")
    list(task.judged([np.ones(SIZE, np.float32)], task.image))
    model = onnx.load(path)
    sabotage(model)
    onnx.save(model, path)
    with pytest.raises(GradientError, match=r"deviate.*accepted|agrees.*accepted"):
        mask_gradient(route, task.segmenter, problem_of(task, PreservationLoss()))


def test_a_gradient_that_the_true_function_does_not_have_is_refused(tmp_path: Path) -> None:
    """Rounding: the forward agrees exactly, but straight-through gradients exist where the function is flat."""
    nodes = [
        helper.make_node("QuantizeLinear", ["image", "scale", "zero"], ["integers"]),
        helper.make_node("DequantizeLinear", ["integers", "scale", "zero"], ["coarse"]),
        helper.make_node("Conv", ["coarse", "w"], ["scores"], pads=[1, 1, 1, 1]),
    ]
    constants: dict[str, npt.NDArray[np.generic]] = {
        "scale": np.array(4.0, np.float32),
        "zero": np.array(128, np.uint8),
        "w": np.random.default_rng(0).normal(0, 1, (3, 3, 3, 3)).astype(np.float32),
    }
    pytest.importorskip("torch", reason="torch is not installed: the other route has no rule for quantisation")
    model = save_model(tmp_path / "coarse.onnx", nodes, input_shape=["N", 3, *SIZE], constants=constants)
    task = task_on(model, np.full((*SIZE, 3), 128, np.uint8), preprocess="raw")
    with pytest.raises(GradientError, match="central difference"):
        mask_gradient("torch", task.segmenter, problem_of(task, PreservationLoss()))


def test_the_fidelity_of_a_true_route_is_within_float32_rounding(route: str, task: Task) -> None:
    gradient, refusals = mask_gradient(route, task.segmenter, problem_of(task, PreservationLoss()))
    assert refusals == ()
    assert gradient.route == route
    fidelity = gradient.fidelity
    assert fidelity.max_difference is not None
    assert fidelity.directional_error is not None
    assert fidelity.max_difference < 1e-5
    assert fidelity.label_agreement == 1.0
    assert fidelity.directional_error < 0.02


def test_another_image_takes_the_place_of_the_problem_s(route: str, task: Task) -> None:
    noisy = np.asarray(task.image + np.random.default_rng(1).normal(0, 0.1, task.image.shape), np.float32)
    problem = problem_of(task, PreservationLoss(), "zero", "blur")
    elsewhere = dataclasses.replace(problem, image=noisy)
    gradient, _ = mask_gradient(route, task.segmenter, problem)
    expected, _ = mask_gradient(route, task.segmenter, elsewhere)
    mask = np.random.default_rng(2).random(task.size, np.float32)
    for baseline in (0, 1):
        found, wanted = gradient.evaluate(mask, baseline, noisy), expected.evaluate(mask, baseline)
        assert found.loss == pytest.approx(wanted.loss, abs=1e-6)
        assert found.gradient == pytest.approx(wanted.gradient, abs=1e-6)
    assert gradient.evaluate(mask).loss != pytest.approx(gradient.evaluate(mask, image=noisy).loss, abs=1e-4)


def test_fidelity_errors_are_gradient_errors() -> None:
    assert issubclass(FidelityError, GradientError)
