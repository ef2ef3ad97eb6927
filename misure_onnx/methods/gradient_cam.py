"""What the class activation maps of one backward pass have in common."""

from abc import abstractmethod
from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np

from misure_onnx.mask import resize_map
from misure_onnx.methods.base import Attribution, Method
from misure_onnx.methods.map_region import of_map, require_threshold
from misure_onnx.methods.score_question import ROUTES, layer_sensitivity, require_route
from misure_onnx.methods.task import Task
from misure_onnx.types import FloatArray, SaliencyMap, Size

NO_SIGNAL = (
    "no place of the layer speaks for the target: the map is zero or negative everywhere before its negative part is "
    "cut; try another layer (`misure inspect MODEL --layers`)"
)


@dataclass(frozen=True)
class GradientCam(Method):
    """Base: S = the sum of the target's scores over its region, A the layer's K maps, G = dS/dA.

    Scores are logits where the file shows them (before a final softmax, sigmoid or argmax). The region is the target's:
    the class's pixels, one object's, or those inside a mask, down to a single pixel.

    Attributes:
        layer: name of a tensor in the file (`misure inspect MODEL --layers`); empty: the bottleneck.
        threshold: the binary region is the map, scaled to [0, 1], above this value (MiSuRe's authors: 0.05 and 0.1).
        route: of the gradient.
    """

    gradient_required: ClassVar[bool] = True
    ROUTES: ClassVar[tuple[str, ...]] = ROUTES
    CUT_AFTER_RESIZING: ClassVar[bool] = False
    """Whether negative values become 0 at the image's size, not at the layer's."""

    layer: str = ""
    threshold: float = 0.1
    route: str = "auto"

    def __post_init__(self) -> None:
        require_threshold(self.threshold)
        require_route(self.route)

    @abstractmethod
    def coarse_map(self, activations: FloatArray, gradient: FloatArray) -> SaliencyMap:
        """A and G (K, h, w) -> (h, w), signed."""

    def attribute(self, task: Task) -> Attribution:
        """The coarse map, its positive part, at the network's size (bilinear); never scaled."""
        found = layer_sensitivity(task, self.layer, self.route)
        coarse = np.asarray(self.coarse_map(found.activations, found.gradient), np.float32)
        saliency = positive_part(coarse, task.size, after_resizing=self.CUT_AFTER_RESIZING)
        attribution = of_map(saliency, self.threshold, NO_SIGNAL)
        return replace(attribution, **{**found.facts, "notes": (*found.facts["notes"], *attribution.notes)})


def positive_part(coarse: SaliencyMap, size: Size, *, after_resizing: bool = False) -> SaliencyMap:
    """max(map, 0) at another size: cut before or after the bilinear interpolation."""
    if after_resizing:
        return np.maximum(resize_map(coarse, size), 0)
    return resize_map(np.maximum(coarse, 0), size)
