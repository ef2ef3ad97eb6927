"""What the methods ask of a gradient route: how the scores of the target change with the image, or with a layer."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from misure_onnx.errors import require
from misure_onnx.gradients import GROUPS, SCORE_ROUTES, score_gradient
from misure_onnx.gradients.base import ScoreGradient, ScoreProblem
from misure_onnx.gradients.domain import domain_notes
from misure_onnx.gradients.gates import gate_notes
from misure_onnx.graph.graph_backed import graph_of
from misure_onnx.graph.layer_choice import LayerChoice, choose_layer
from misure_onnx.methods.task import Task
from misure_onnx.types import FloatArray

ROUTES = (*GROUPS, *SCORE_ROUTES)
"""Names that a method's parameter `route` may have."""


def require_route(route: str) -> None:
    """Refuses a route that no method with a gradient has.

    Raises:
        ParameterError: it is unknown.
    """
    require(route in ROUTES, f"route {route!r} is unknown; the known ones are {', '.join(ROUTES)}")


def image_gradient(task: Task, route: str) -> tuple[ScoreGradient, dict[str, Any]]:
    """The gradient by the image, and what an `Attribution` says of it.

    Raises:
        GradientError: no route is left.
    """
    gradient, refusals = score_gradient(route, task.segmenter, ScoreProblem(task.image, task.target))
    return gradient, _facts(task, gradient, refusals)


@dataclass(frozen=True, eq=False)
class LayerSensitivity:
    """A layer on the image, and how the target's score follows it.

    Attributes:
        activations: A, (K, h, w).
        gradient: dS/dA, (K, h, w), S the sum of the target's scores (logits where the file shows them) over its region.
        facts: what an `Attribution` says of the gradient.
    """

    activations: FloatArray
    gradient: FloatArray
    facts: dict[str, Any]


def layer_sensitivity(task: Task, layer: str, route: str) -> LayerSensitivity:
    """One forward and backward.

    Args:
        task: image and target.
        layer: name of a tensor; empty: the bottleneck.
        route: of the gradient.

    Raises:
        ParameterError: no such layer.
        GradientError: no route is left.
    """
    choice = choose_layer(graph_of(task.segmenter), task.image, layer)
    problem = ScoreProblem(task.image, task.target, choice.layer.name)
    gradient, refusals = score_gradient(route, task.segmenter, problem)
    found = gradient.evaluate(task.image, np.asarray(task.target.region, np.float32))
    planes = choice.layer.planes
    facts = {**_facts(task, gradient, refusals), "backwards": 1}
    facts["notes"] = (*facts["notes"], layer_note(choice))
    return LayerSensitivity(planes(found.values)[0], planes(found.gradient)[0], facts)


def layer_note(choice: LayerChoice) -> str:
    """Which layer was taken, and why."""
    layer = choice.layer
    size = f"{layer.size[0]}x{layer.size[1]}"
    return choice.reason or f"layer {layer.name!r} ({layer.operator}, {layer.channels} channels, {size}), as asked"


def _facts(task: Task, gradient: ScoreGradient, refusals: tuple[str, ...]) -> dict[str, Any]:
    notes = (*refusals, *gradient.notes, *domain_notes(task.segmenter), *gate_notes(task.segmenter))
    return {"route": gradient.route, "fidelity": gradient.fidelity, "notes": notes}
