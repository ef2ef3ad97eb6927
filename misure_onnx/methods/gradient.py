"""The gradient of the scores by the image.

Simonyan, Vedaldi, Zisserman 2013 (arXiv 1312.6034), section 3, for a region of a segmentation.
"""

from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np

from misure_onnx.methods.base import Attribution, Method
from misure_onnx.methods.channel_maps import Reduction, reduced, require_reduction
from misure_onnx.methods.map_region import of_map, require_threshold
from misure_onnx.methods.score_question import ROUTES, image_gradient, require_route
from misure_onnx.methods.task import Task

NO_SIGNAL = "the scores of the target do not change with any pixel: the gradient is zero everywhere"


@dataclass(frozen=True)
class Gradient(Method):
    """dS/dx, S = the mean of the target's scores over its region; in score per unit of the network's input.

    Scores are logits where the file shows them (before a final softmax, sigmoid or argmax).

    Attributes:
        reduction: of the input's channels to one map: `max_abs` (the paper's), `sum` (signed), `absmax` (signed).
        threshold: the binary region is the map, scaled to [0, 1], above this value.
        route: of the gradient.
    """

    name: ClassVar[str] = "gradient"
    summary: ClassVar[str] = "how the scores change with every pixel"
    gradient_required: ClassVar[bool] = True
    ROUTES: ClassVar[tuple[str, ...]] = ROUTES

    reduction: Reduction = "max_abs"
    threshold: float = 0.2
    route: str = "auto"

    def __post_init__(self) -> None:
        require_reduction(self.reduction)
        require_threshold(self.threshold)
        require_route(self.route)

    def attribute(self, task: Task) -> Attribution:
        """One forward and backward."""
        gradient, facts = image_gradient(task, self.route)
        region = task.target.region
        found = gradient.evaluate(task.image, np.asarray(region / np.float32(region.sum()), np.float32))
        attribution = of_map(reduced(found.gradient[0], self.reduction), self.threshold, NO_SIGNAL)
        return replace(attribution, **{**facts, "notes": (*facts["notes"], *attribution.notes)}, backwards=1)
