"""Three kinds of deliberately wrong graph, each rejected by the real fidelity check.

The deployed model is untouched; what is broken is an operator of the torch bridge, or a rule or the
normalisation of the gradient graph, as a mistake in them would be.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import helper, numpy_helper

from misure_onnx.errors import FidelityError
from misure_onnx.gradients import ROUTES
from misure_onnx.gradients.base import MaskProblem, PreservationLoss
from misure_onnx.gradients.onnx_gradient import normalise
from misure_onnx.gradients.onnx_gradient.rules import RULES
from misure_onnx.gradients.onnx_gradient.rules.elementwise import of_one_input
from misure_onnx.gradients.onnx_gradient.values import results_of
from misure_onnx.methods.task import Task
from misure_onnx.target import Target
from tests.methods.asked import task_on
from tests.tiny_models import Array, noise_image, save_model

SIZE = (40, 52)
Patch = pytest.MonkeyPatch
Break = Callable[[Patch, Task], None]


def light_network(path: Path) -> Path:
    """Two convolutions with tanh on an image whose own mean is taken away: its brightness matters everywhere."""
    rng = np.random.default_rng(7)
    constants: dict[str, Array] = {
        "w1": rng.normal(0, 0.4, (8, 3, 5, 5)).astype(np.float32),
        "w2": rng.normal(0, 0.4, (4, 8, 5, 5)).astype(np.float32),
    }
    nodes = [
        helper.make_node("ReduceMean", ["image"], ["light"], axes=[1, 2, 3], keepdims=1),
        helper.make_node("Sub", ["image", "light"], ["centred"]),
        helper.make_node("Conv", ["centred", "w1"], ["hidden"], pads=[2, 2, 2, 2]),
        helper.make_node("Tanh", ["hidden"], ["active"]),
        helper.make_node("Conv", ["active", "w2"], ["scores"], pads=[2, 2, 2, 2]),
    ]
    return save_model(path, nodes, input_shape=["N", 3, *SIZE], constants=constants)


@pytest.fixture
def task(tmp_path: Path) -> Task:
    return task_on(light_network(tmp_path / "light.onnx"), noise_image(SIZE, 4), preprocess="unit")


def on_masked_images(task: Task) -> MaskProblem:
    return MaskProblem(task.image, (np.zeros_like(task.image),), task.target, PreservationLoss())


def on_the_image_alone(task: Task) -> MaskProblem:
    """Removed pixels are replaced by themselves: every masked image is the image."""
    return MaskProblem(task.image, (task.image.copy(),), task.target, PreservationLoss())


def bridge_with(patch: Patch, operator: str, function: Callable[..., Any]) -> None:
    from misure_onnx.gradients.torch_bridge.operators import OPERATORS  # noqa: PLC0415 - torch is optional

    patch.setitem(OPERATORS, ("", operator), function)


def wrong_scores_in_the_bridge(patch: Patch, task: Task) -> None:
    """An activation mistaken for its cheaper approximation."""
    del task
    import torch  # noqa: PLC0415 - torch is optional

    bridge_with(patch, "Tanh", lambda node, x: torch.clamp(x, -1, 1))  # noqa: ARG005 - operators get their node


def wrong_scores_in_the_gradient_graph(patch: Patch, task: Task) -> None:
    """Weights taken for negligible that are not."""
    del task
    patch.setattr(normalise, "_NEGLIGIBLE", 0.2)


def wrong_gradient_in_the_bridge(patch: Patch, task: Task) -> None:
    """Forward exact, backward that of the identity: autograd does not see what is detached."""
    del task
    import torch  # noqa: PLC0415 - torch is optional

    bridge_with(patch, "Tanh", lambda node, x: x + (torch.tanh(x) - x).detach())  # noqa: ARG005


def wrong_gradient_in_the_gradient_graph(patch: Patch, task: Task) -> None:
    """The rule of the identity for tanh."""
    del task
    patch.setitem(RULES, "Tanh", of_one_input(lambda site: site.write.number(1)))


def image_taken_for_a_constant_in_the_bridge(patch: Patch, task: Task) -> None:
    """A number that depends on the image is remembered from the first one."""
    import torch  # noqa: PLC0415 - torch is optional

    mean = torch.from_numpy(task.image).mean().reshape(1, 1, 1, 1)
    bridge_with(patch, "ReduceMean", lambda node, x: mean)  # noqa: ARG005


def image_taken_for_a_constant_in_the_gradient_graph(patch: Patch, task: Task) -> None:
    """A number that depends on the image is folded as if it were a weight."""
    true = normalise._folded

    def folded(model: onnx.ModelProto) -> onnx.ModelProto:
        simple = true(model)
        (light,) = results_of(simple, ["light"], {"image": task.image})
        kept = [node for node in simple.graph.node if node.output[0] != "light"]
        del simple.graph.node[:]
        simple.graph.node.extend(kept)
        simple.graph.initializer.append(numpy_helper.from_array(light, "light"))
        return simple

    patch.setattr(normalise, "_folded", folded)


WRONG_SCORES: dict[str, Break] = {
    "torch": wrong_scores_in_the_bridge,
    "onnx_gradient": wrong_scores_in_the_gradient_graph,
}
WRONG_GRADIENT: dict[str, Break] = {
    "torch": wrong_gradient_in_the_bridge,
    "onnx_gradient": wrong_gradient_in_the_gradient_graph,
}
IMAGE_AS_CONSTANT: dict[str, Break] = {
    "torch": image_taken_for_a_constant_in_the_bridge,
    "onnx_gradient": image_taken_for_a_constant_in_the_gradient_graph,
}


@pytest.fixture(params=WRONG_SCORES)
def route(request: pytest.FixtureRequest) -> str:
    if request.param == "torch":
        pytest.importorskip("torch", reason="torch is not installed")
    return str(request.param)


def test_the_routes_as_they_are_pass(route: str, task: Task) -> None:
    for problem in (on_masked_images(task), on_the_image_alone(task)):
        assert ROUTES[route](task.segmenter, problem, 1).fidelity.label_agreement == 1.0


def test_wrong_scores_are_rejected(route: str, task: Task, monkeypatch: Patch) -> None:
    WRONG_SCORES[route](monkeypatch, task)
    with pytest.raises(FidelityError, match=r"scores deviate from the deployed model's by .* \(accepted: 0.001\)"):
        ROUTES[route](task.segmenter, on_masked_images(task), 1)


def test_right_scores_with_a_wrong_gradient_are_rejected(route: str, task: Task, monkeypatch: Patch) -> None:
    WRONG_GRADIENT[route](monkeypatch, task)
    with pytest.raises(FidelityError, match=r"gradient deviates from a central difference .* \(accepted: 0.1\)"):
        ROUTES[route](task.segmenter, on_masked_images(task), 1)


def test_what_is_right_on_the_image_but_wrong_on_masked_images_is_rejected(
    route: str, task: Task, monkeypatch: Patch
) -> None:
    IMAGE_AS_CONSTANT[route](monkeypatch, task)
    assert ROUTES[route](task.segmenter, on_the_image_alone(task), 1).fidelity.max_difference == pytest.approx(
        0, abs=1e-5
    )
    with pytest.raises(FidelityError, match=r"scores deviate from the deployed model's by .* \(accepted: 0.001\)"):
        ROUTES[route](task.segmenter, on_masked_images(task), 1)


def test_a_gradient_that_is_no_number_is_rejected(route: str, tmp_path: Path) -> None:
    """The root of zero: the scores are right, and the slope is infinite times zero."""
    nodes = [
        helper.make_node("Sub", ["image", "image"], ["zero"]),
        helper.make_node("Sqrt", ["zero"], ["root"]),
        helper.make_node("Add", ["image", "root"], ["sum"]),
        helper.make_node("Conv", ["sum", "w"], ["scores"]),
    ]
    weights = np.random.default_rng(0).normal(0, 1, (3, 3, 1, 1)).astype(np.float32)
    model = save_model(tmp_path / "root.onnx", nodes, input_shape=["N", 3, *SIZE], constants={"w": weights})
    task = task_on(model, noise_image(SIZE, 1), Target.from_class(2))
    with pytest.raises(FidelityError, match=r"gradient deviates .* by inf"):
        ROUTES[route](task.segmenter, on_masked_images(task), 1)
