"""Stage 2 of MiSuRe by forwards alone, in the form that the gradient routes give."""

from dataclasses import dataclass

import numpy as np

from misure_onnx.gradients.base import Fidelity
from misure_onnx.methods.misure.forward_only import FORWARD_ROUTES
from misure_onnx.methods.misure.forward_only.cost import Cost
from misure_onnx.methods.misure.forward_only.questions import Questions
from misure_onnx.methods.misure.minimal_region import MaskCandidate, OptimisedMask
from misure_onnx.types import Region


@dataclass(frozen=True, eq=False)
class PrunedMask:
    """Stage 2's result along any route.

    Attributes:
        mask: the masks found; `evaluations` counts forwards and backwards through a gradient.
        route: its name.
        fidelity: of a gradient route.
        notes: for the provenance.
    """

    mask: OptimisedMask
    route: str
    fidelity: Fidelity | None = None
    notes: tuple[str, ...] = ()


def prune_by_forwards(route: str, questions: Questions, sufficient: Region, cost: Cost, mask_size: int) -> PrunedMask:
    """The smallest region that a route of `FORWARD_ROUTES` finds inside the sufficient one.

    Args:
        route: its name.
        questions: the deployed model and the budget.
        sufficient: (H, W) stage 1's region.
        cost: what is made small.
        mask_size: cells a side of the finest grid.
    """
    region = FORWARD_ROUTES[route](questions, sufficient, cost, mask_size)
    trace = questions.trace
    dice = trace["dice"][-1] if trace["dice"] else 0.0
    found = MaskCandidate(region.astype(np.float32), region, dice, len(trace["dice"]))
    labels = questions.task.segmenter.spec.head.kind == "labels"
    notes = ("the model gives labels, no scores: regions were compared by their hard Dice alone",) if labels else ()
    return PrunedMask(OptimisedMask(found, (found,), 0, trace), route, None, notes)
