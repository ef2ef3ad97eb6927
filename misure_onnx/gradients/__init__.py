"""The routes to d(loss)/d(mask). One file or package a route, one line in `ROUTES`."""

from misure_onnx.errors import GradientError, ParameterError
from misure_onnx.gradients.base import MaskGradient, MaskProblem, Route
from misure_onnx.gradients.onnx_route import build_onnx_gradient
from misure_onnx.gradients.torch_route import build_torch_gradient
from misure_onnx.segmenter import Segmenter

ROUTES: dict[str, Route] = {
    "torch": build_torch_gradient,
    "onnx_gradient": build_onnx_gradient,
}
"""In the order in which `auto` tries them."""

GROUPS: dict[str, tuple[str, ...]] = {"auto": tuple(ROUTES), "gradient": tuple(ROUTES)}
"""Names that stand for several routes."""


def mask_gradient(route: str, segmenter: Segmenter, problem: MaskProblem) -> tuple[MaskGradient, tuple[str, ...]]:
    """The first route of a choice that can be built and is faithful to the deployed model.

    Args:
        route: a route's name, or a group's.
        segmenter: the deployed model.
        problem: what the mask must preserve.

    Returns:
        The gradient, and a note for every route that was tried before it and refused.

    Raises:
        ParameterError: no such route.
        GradientError: no route is left; the message says why for each.
    """
    if route not in ROUTES and route not in GROUPS:
        raise ParameterError(f"route {route!r} is unknown; the known ones are {', '.join([*GROUPS, *ROUTES])}")
    refusals: list[str] = []
    for name in GROUPS.get(route, (route,)):
        try:
            return ROUTES[name](segmenter, problem), tuple(refusals)
        except GradientError as error:
            refusals.append(f"route {name}: {error}")
    raise GradientError(
        "no gradient of this model is available; " + "; ".join(refusals) + ". Methods that need none: "
        "sufficient_region, rise"
    )
