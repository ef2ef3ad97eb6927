"""The gradient of a mask for methods that cannot do without one."""

from misure_onnx.gradients import GROUPS, mask_gradient
from misure_onnx.gradients import ROUTES as GRADIENT_ROUTES
from misure_onnx.gradients.base import MaskGradient, MaskProblem, PreservationLoss
from misure_onnx.gradients.domain import domain_notes
from misure_onnx.gradients.gates import gate_notes
from misure_onnx.methods.task import Task
from misure_onnx.perturbation import make_baseline

ROUTES = (*GROUPS, *GRADIENT_ROUTES)
"""What such a method's parameter `route` can be."""


def gradient_of(task: Task, loss: PreservationLoss, baseline: str, route: str) -> tuple[MaskGradient, tuple[str, ...]]:
    """The gradient under one baseline, and what the user should know about it.

    Raises:
        ParameterError: no such route or baseline.
        GradientError: no route is left; the message says why for each.
    """
    replaced = make_baseline(baseline, task.image, task.rng())
    gradient, refusals = mask_gradient(route, task.segmenter, MaskProblem(task.image, (replaced,), task.target, loss))
    return gradient, (*refusals, *domain_notes(task.segmenter), *gate_notes(task.segmenter))
