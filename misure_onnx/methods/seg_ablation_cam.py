"""Seg-Ablation-CAM: feature maps weighted by what the score loses without them. Needs no gradient.

Desai, Ramaswamy 2020 (*Ablation-CAM*) for a region of a segmentation; MiSuRe's authors compare with it.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np

from misure_onnx.graph.graph_backed import graph_of
from misure_onnx.graph.layer_choice import choose_layer
from misure_onnx.methods.base import Attribution, Method
from misure_onnx.methods.cut_scores import CutScores
from misure_onnx.methods.gradient_cam import NO_SIGNAL, positive_part
from misure_onnx.methods.map_region import of_map, require_threshold
from misure_onnx.methods.score_question import layer_note
from misure_onnx.methods.task import Task
from misure_onnx.types import FloatArray


@dataclass(frozen=True)
class SegAblationCam(Method):
    """map = max(0, sum_k w_k A_k), w_k = S - S_k: S the mean of the target's scores over its region, S_k without map k.

    Scores are logits where the file shows them; the region is that of the whole prediction, also for S_k. The original
    divides the difference by S; logits may sum to less than zero, which would turn the map around. The graph is cut at
    the layer, and its second part run once a map with that map set to zero. Cut at zero before resizing.

    Attributes:
        layer: name of a tensor in the file (`misure inspect MODEL --layers`); empty: the bottleneck.
        threshold: the binary region is the map, scaled to [0, 1], above this value.
    """

    name: ClassVar[str] = "seg_ablation_cam"
    summary: ClassVar[str] = "feature maps of a layer weighted by what is lost without each (Seg-Ablation-CAM)"
    serves_volumes: ClassVar[bool] = False
    layers_required: ClassVar[bool] = True

    layer: str = ""
    threshold: float = 0.1

    def __post_init__(self) -> None:
        require_threshold(self.threshold)

    def attribute(self, task: Task) -> Attribution:
        """As many runs of the graph's second part as the layer has maps."""
        choice = choose_layer(graph_of(task.segmenter), task.image, self.layer)
        cut = CutScores(task, choice.layer)
        whole, *without = cut.mean_scores(_whole_and_without_each(cut.planes, task))
        weights = whole - np.array(without)
        coarse = np.asarray(np.tensordot(weights, cut.planes, axes=1), np.float32)
        found = of_map(positive_part(coarse, task.size), self.threshold, NO_SIGNAL)
        notes = (*cut.notes, layer_note(choice), *found.notes)
        return replace(found, notes=notes, trace={"weights": weights.tolist()})


def _whole_and_without_each(planes: FloatArray, task: Task) -> Iterator[FloatArray]:
    """A, then A with each map in turn set to zero."""
    yield planes
    for k in range(len(planes)):
        task.progress("seg_ablation_cam", k + 1, len(planes))
        ablated = planes.copy()
        ablated[k] = 0
        yield ablated
