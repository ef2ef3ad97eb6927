"""Stage 2 of MiSuRe by forwards alone, in the form that the gradient routes give."""

import numpy as np

from misure_onnx.methods.misure.forward_only import FORWARD_ROUTES
from misure_onnx.methods.misure.forward_only.cost import Cost
from misure_onnx.methods.misure.forward_only.questions import Questions
from misure_onnx.methods.misure.minimal_region import MaskCandidate, OptimisedMask
from misure_onnx.types import Region


def prune_by_forwards(route: str, questions: Questions, sufficient: Region, cost: Cost, finest: int) -> OptimisedMask:
    """The smallest region that a route of `FORWARD_ROUTES` finds inside the sufficient one.

    Args:
        route: its name.
        questions: the deployed model and the budget.
        sufficient: (H, W) stage 1's region.
        cost: what is made small.
        finest: cells a side of the finest grid.
    """
    region = FORWARD_ROUTES[route](questions, sufficient, cost, finest)
    trace = questions.trace
    dice = trace["dice"][-1] if trace["dice"] else 0.0
    found = MaskCandidate(region.astype(np.float32), region, dice, len(trace["dice"]))
    return OptimisedMask(found, (found,), 0, trace)
