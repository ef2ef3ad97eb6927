"""Routes to a minimal region that need forwards only. One file a route, one line in `FORWARD_ROUTES`.

They serve every model that predicts: label maps, tree ensembles, Python functions, servers. Every region that they keep
has passed tau on the deployed model. They are other algorithms than eq. 1's gradient descent, with the same aim:
the smallest region with Dice > tau.
"""

from collections.abc import Callable

from misure_onnx.methods.misure.forward_only.cost import Cost
from misure_onnx.methods.misure.forward_only.finite_difference import finite_difference
from misure_onnx.methods.misure.forward_only.questions import Questions
from misure_onnx.methods.misure.forward_only.search import search
from misure_onnx.types import Region

ForwardRoute = Callable[[Questions, Region, Cost, int], Region]
"""(the deployed model, sufficient region, what is made small, cells a side of the finest grid) -> smaller region."""

FORWARD_ROUTES: dict[str, ForwardRoute] = {
    "finite_difference": finite_difference,
    "search": search,
}
