"""The routes to gradients. One file or package a route, one line in `ROUTES` and one in `SCORE_ROUTES`."""

from collections.abc import Callable, Mapping
from functools import partial
from typing import TypeVar

from misure_onnx.errors import GradientError, ParameterError
from misure_onnx.gradients.base import MaskGradient, MaskProblem, Route, ScoreGradient, ScoreProblem, ScoreRoute
from misure_onnx.gradients.onnx_route import build_onnx_gradient, build_onnx_score_gradient
from misure_onnx.gradients.torch_route import build_torch_gradient, build_torch_score_gradient
from misure_onnx.segmenter import Segmenter

ROUTES: dict[str, Route] = {
    "onnx_gradient": build_onnx_gradient,
    "torch": build_torch_gradient,
}
"""d(loss)/d(mask), in the order in which `auto` tries them."""

SCORE_ROUTES: dict[str, ScoreRoute] = {
    "onnx_gradient": build_onnx_score_gradient,
    "torch": build_torch_score_gradient,
}
"""d(scores)/d(image or layer), by the same routes."""

GROUPS: dict[str, tuple[str, ...]] = {"auto": tuple(ROUTES), "gradient": tuple(ROUTES)}
"""Names that stand for several routes."""

_Gradient = TypeVar("_Gradient")


def find_gradient(
    route: str, segmenter: Segmenter, problem: MaskProblem, at_once: int = 1
) -> tuple[MaskGradient | None, tuple[str, ...]]:
    """The first route of a choice that can be built and is faithful to the deployed model.

    Args:
        route: a route's name, or a group's.
        segmenter: the deployed model.
        problem: what the mask must preserve.
        at_once: how many masks will be evaluated at the same time.

    Returns:
        The gradient, or None where no route of the choice is left, and why each one tried before was refused.

    Raises:
        ParameterError: no such route.
    """
    return _first({name: partial(build, segmenter, problem, at_once) for name, build in ROUTES.items()}, route)


def mask_gradient(route: str, segmenter: Segmenter, problem: MaskProblem) -> tuple[MaskGradient, tuple[str, ...]]:
    """As `find_gradient`, where nothing but a gradient will do.

    Raises:
        ParameterError: no such route.
        GradientError: no route is left; the message says why for each.
    """
    gradient, refusals = find_gradient(route, segmenter, problem)
    if gradient is None:
        raise no_gradient(refusals)
    return gradient, refusals


def no_gradient(refusals: tuple[str, ...]) -> GradientError:
    """The error that says why, and what remains."""
    return GradientError(
        f"no gradient of this model is available; {'; '.join(refusals)}. What remains: the routes search and "
        "finite_difference (of misure, with the presets minimal and smooth), and methods that need forwards only (see "
        "`misure methods`)"
    )


def score_gradient(route: str, segmenter: Segmenter, problem: ScoreProblem) -> tuple[ScoreGradient, tuple[str, ...]]:
    """The first route of a choice that gives the scores' gradient and is faithful to the deployed model.

    Returns:
        The gradient, and why each route tried before was refused.

    Raises:
        ParameterError: no such route.
        GradientError: no route is left; the message says why for each.
    """
    built = {name: partial(build, segmenter, problem) for name, build in SCORE_ROUTES.items()}
    gradient, refusals = _first(built, route)
    if gradient is None:
        raise GradientError(
            f"no gradient of this model is available; {'; '.join(refusals)}. What remains: methods that need forwards "
            "only (see `misure methods`)"
        )
    return gradient, refusals


def _first(builders: Mapping[str, Callable[[], _Gradient]], route: str) -> tuple[_Gradient | None, tuple[str, ...]]:
    if route not in ROUTES and route not in GROUPS:
        raise ParameterError(f"route {route!r} is unknown; the known ones are {', '.join([*GROUPS, *ROUTES])}")
    refusals: list[str] = []
    for name in GROUPS.get(route, (route,)):
        try:
            return builders[name](), tuple(refusals)
        except GradientError as error:
            refusals.append(f"route {name}: {error}")
    return None, tuple(refusals)
