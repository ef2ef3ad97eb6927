"""d(weighted scores)/d(image or layer): by hand, on both routes, and refused where it deviates."""

from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import helper, numpy_helper

from misure_onnx.errors import GradientError, ParameterError
from misure_onnx.gradients import SCORE_ROUTES, score_gradient
from misure_onnx.gradients.base import ScoreProblem, Sensitivity
from misure_onnx.methods.task import Task
from misure_onnx.target import Target
from tests.methods.asked import task_on
from tests.tiny_models import (
    CLASSES,
    SIZE,
    Array,
    _pointwise_weights,
    in_half_precision,
    noise_image,
    pointwise,
    save_model,
    small_network,
    small_u_net,
)

V = np.random.default_rng(0).normal(0, 1, SIZE).astype(np.float32)


@pytest.fixture(params=SCORE_ROUTES)
def route(request: pytest.FixtureRequest) -> str:
    if request.param == "torch":
        pytest.importorskip("torch", reason="torch is not installed")
    return str(request.param)


def asked(route: str, task: Task, layer: str = "") -> Sensitivity:
    gradient, refusals = score_gradient(route, task.segmenter, ScoreProblem(task.image, task.target, layer))
    assert refusals == ()
    assert gradient.route == route
    assert gradient.fidelity.directional_error is not None
    assert gradient.fidelity.directional_error < 0.01
    return gradient.evaluate(task.image, V)


@pytest.mark.parametrize("ending", ["logits", "softmax", "sigmoid", "argmax"])
@pytest.mark.parametrize("input_layout", ["NCHW", "NHWC"])
def test_whatever_follows_the_logits_their_gradient_is_taken(
    route: str, tmp_path: Path, ending: str, input_layout: str
) -> None:
    """Of pointwise logits: dS/dx = v * w_l."""
    model = pointwise(tmp_path / "net.onnx", ending=ending, input_layout=input_layout)
    found = asked(route, task_on(model, noise_image(SIZE, 1)))
    weights, _ = _pointwise_weights(CLASSES, 3)
    expected = weights[1][:, None, None] * V
    np.testing.assert_allclose(found.gradient[0], expected, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("ending", ["logits", "softmax", "sigmoid"])
def test_of_a_contrast_the_difference_of_the_scores_is_differentiated(route: str, tmp_path: Path, ending: str) -> None:
    """Of pointwise logits: dS/dx = v * (w_l - w_k)."""
    model = pointwise(tmp_path / "net.onnx", ending=ending)
    found = asked(route, task_on(model, noise_image(SIZE, 1), Target.from_class(1, against=3)))
    weights, _ = _pointwise_weights(CLASSES, 3)
    expected = (weights[1] - weights[3])[:, None, None] * V
    np.testing.assert_allclose(found.gradient[0], expected, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("layout", ["NHWC", "NPL", "NLP"])
def test_what_moves_the_probabilities_moves_the_logits(route: str, tmp_path: Path, layout: str) -> None:
    model = pointwise(tmp_path / "net.onnx", ending="softmax", output_layout=layout)
    found = asked(route, task_on(model, noise_image(SIZE, 1)))
    weights, _ = _pointwise_weights(CLASSES, 3)
    np.testing.assert_allclose(found.gradient[0], weights[1][:, None, None] * V, rtol=1e-5, atol=1e-5)


def test_the_note_says_which_scores_were_differentiated(route: str, tmp_path: Path) -> None:
    for ending, said in (("softmax", "before the final Softmax"), ("sigmoid_by_hand", "no Softmax or Sigmoid")):
        task = task_on(pointwise(tmp_path / "net.onnx", ending=ending), noise_image(SIZE, 1))
        gradient, _ = score_gradient(route, task.segmenter, ScoreProblem(task.image, task.target))
        assert said in gradient.notes[0]


def test_scores_smaller_than_the_image_are_interpolated(route: str, tmp_path: Path) -> None:
    """Each block's logit is its mean; with weights 1 its interpolated copies are counted shrink^2 times in all."""
    task = task_on(pointwise(tmp_path / "net.onnx", shrink=4), noise_image(SIZE, 1))
    gradient, _ = score_gradient(route, task.segmenter, ScoreProblem(task.image, task.target))
    found = gradient.evaluate(task.image, np.ones(SIZE, np.float32))
    weights, _ = _pointwise_weights(CLASSES, 3)
    scores = task.segmenter.predict(task.image)[0, 1]
    assert found.score == pytest.approx(float(scores.sum()), rel=1e-4)
    assert found.gradient.sum(axis=(0, 2, 3)) == pytest.approx(weights[1] * SIZE[0] * SIZE[1], rel=1e-4)


@pytest.mark.parametrize("element_type", [onnx.TensorProto.UINT8, onnx.TensorProto.FLOAT16])
def test_other_types_of_input_are_served(route: str, tmp_path: Path, element_type: int) -> None:
    model = pointwise(tmp_path / "net.onnx", input_type=element_type)
    preprocess = "raw" if element_type == onnx.TensorProto.UINT8 else "unit"
    task = task_on(model, noise_image(SIZE, 1), preprocess=preprocess)
    gradient, _ = score_gradient(route, task.segmenter, ScoreProblem(task.image, task.target))
    weights, _ = _pointwise_weights(CLASSES, 3)
    found = gradient.evaluate(task.image, V)
    np.testing.assert_allclose(found.gradient[0], weights[1][:, None, None] * V, rtol=1e-3, atol=1e-3)


@pytest.mark.parametrize("layer", ["", "bottleneck"])
def test_a_model_in_half_precision_is_served(route: str, tmp_path: Path, layer: str) -> None:
    """A central difference over a thousandth of a pixel's value is all rounding there; it once refused such models."""
    model = in_half_precision(small_u_net(tmp_path / "net.onnx"))
    task = task_on(model, noise_image(SIZE, 1), preprocess="minus1_1")
    gradient, _ = score_gradient(route, task.segmenter, ScoreProblem(task.image, task.target, layer))
    same = task_on(small_u_net(tmp_path / "single.onnx"), noise_image(SIZE, 1), preprocess="minus1_1")
    other, _ = score_gradient(route, same.segmenter, ScoreProblem(same.image, same.target, layer))
    own, expected = gradient.evaluate(task.image, V).gradient, other.evaluate(task.image, V).gradient
    assert np.linalg.norm(own - expected) < 0.05 * np.linalg.norm(expected)  # Relus near zero open and close


@pytest.mark.parametrize("layer", ["", "blocks"])
def test_a_label_map_of_bytes_is_compared_where_pixels_are_no_whole_numbers(
    route: str, tmp_path: Path, layer: str
) -> None:
    """A resized picture; the deployed model rounds it, and a reference that does not would be another model's."""
    model = pointwise(tmp_path / "net.onnx", ending="argmax", input_type=onnx.TensorProto.UINT8, output_layout="NHW")
    task = task_on(model, noise_image((37, 41), 1), preprocess="raw")
    assert (task.image != np.rint(task.image)).any()
    gradient, _ = score_gradient(route, task.segmenter, ScoreProblem(task.image, task.target, layer))
    assert gradient.fidelity.max_difference is not None
    assert gradient.fidelity.max_difference < 1e-6
    assert gradient.fidelity.directional_error is not None
    assert gradient.fidelity.directional_error < 0.01


def two_paths(path: Path, *, twin: bool = False) -> Path:
    """h = relu(x); s = (2h + 3h^2, -h) + x's own skip. With `twin` the square is read from an equal second relu."""
    nodes = [
        helper.make_node("Relu", ["image"], ["h"]),
        helper.make_node("Relu", ["image"], ["again"]),
        helper.make_node("Mul", ["again", "again"] if twin else ["h", "h"], ["square"]),
        helper.make_node("Mul", ["square", "three"], ["cubed"]),
        helper.make_node("Mul", ["h", "two"], ["double"]),
        helper.make_node("Add", ["double", "cubed"], ["sum"]),
        helper.make_node("Add", ["sum", "image"], ["one"]),
        helper.make_node("Neg", ["h"], ["zero"]),
        helper.make_node("Concat", ["zero", "one"], ["scores"], axis=1),
    ]
    constants: dict[str, Array] = {"two": np.array(2, np.float32), "three": np.array(3, np.float32)}
    return save_model(path, nodes, input_shape=["N", 1, *SIZE], constants=constants)


def test_every_path_from_a_layer_counts_and_the_skip_around_it_does_not(route: str, tmp_path: Path) -> None:
    task = task_on(two_paths(tmp_path / "net.onnx"), noise_image(SIZE, 3)[..., 0])
    found = asked(route, task, "h")
    np.testing.assert_allclose(found.values, task.image)
    np.testing.assert_allclose(found.gradient[0, 0], V * (2 + 6 * task.image[0, 0]), rtol=1e-4, atol=1e-5)


def test_a_layer_stays_itself_where_an_optimiser_would_merge_it_with_its_twin(route: str, tmp_path: Path) -> None:
    task = task_on(two_paths(tmp_path / "net.onnx", twin=True), noise_image(SIZE, 3)[..., 0])
    np.testing.assert_allclose(asked(route, task, "h").gradient[0, 0], 2 * V, rtol=1e-5)


def test_both_routes_agree_on_a_network(tmp_path: Path) -> None:
    pytest.importorskip("torch", reason="torch is not installed")
    task = task_on(small_network(tmp_path / "net.onnx"), noise_image(SIZE, 4), preprocess="minus1_1")
    for layer in ("", "active", "hidden"):
        own, other = asked("onnx_gradient", task, layer), asked("torch", task, layer)
        assert own.score == pytest.approx(other.score, rel=1e-5)
        np.testing.assert_allclose(own.values, other.values, atol=1e-5)
        np.testing.assert_allclose(own.gradient, other.gradient, atol=1e-4)


@pytest.mark.parametrize("layer", ["", "hidden"])
def test_a_route_that_deviates_from_the_deployed_model_is_refused_with_the_number(
    route: str, tmp_path: Path, layer: str
) -> None:
    """The sessions are created from the true file; the route then reads a changed one in its place."""
    path = small_network(tmp_path / "net.onnx")
    task = task_on(path, noise_image(SIZE, 4), preprocess="minus1_1")
    list(task.judged([np.ones(SIZE, np.float32)], task.image))
    model = onnx.load(path)
    weights = numpy_helper.to_array(model.graph.initializer[0]) * np.float32(1.1)
    model.graph.initializer[0].CopyFrom(numpy_helper.from_array(weights, model.graph.initializer[0].name))
    onnx.save(model, path)
    with pytest.raises(GradientError, match=r"deviate.*accepted|agrees.*accepted"):
        score_gradient(route, task.segmenter, ScoreProblem(task.image, task.target, layer))


@pytest.mark.parametrize("layer", ["", "hidden"])
def test_a_wrong_backward_pass_is_caught_by_the_central_difference(
    tmp_path: Path, layer: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    from misure_onnx.gradients.onnx_gradient.rules import RULES  # noqa: PLC0415 - only here
    from misure_onnx.gradients.onnx_gradient.rules.elementwise import of_one_input  # noqa: PLC0415 - only here

    task = task_on(small_network(tmp_path / "net.onnx"), noise_image(SIZE, 4), preprocess="minus1_1")
    monkeypatch.setitem(RULES, "Tanh", of_one_input(lambda site: site.upstream))
    with pytest.raises(GradientError, match="central difference"):
        score_gradient("onnx_gradient", task.segmenter, ScoreProblem(task.image, task.target, layer))


def test_a_layer_that_does_not_exist_and_a_route_that_does_not_are_refused(tmp_path: Path) -> None:
    task = task_on(small_network(tmp_path / "net.onnx"), noise_image(SIZE, 4), preprocess="minus1_1")
    with pytest.raises(GradientError, match="no node of the graph makes a tensor 'nowhere'"):
        score_gradient("auto", task.segmenter, ScoreProblem(task.image, task.target, "nowhere"))
    with pytest.raises(GradientError, match="'scores' holds the scores themselves"):
        score_gradient("auto", task.segmenter, ScoreProblem(task.image, task.target, "scores"))
    with pytest.raises(ParameterError, match="route 'sideways' is unknown"):
        score_gradient("sideways", task.segmenter, ScoreProblem(task.image, task.target))
