"""Score-CAM: feature maps weighted by the score of the image seen through each. Needs no gradient.

Wang et al. 2020 (arXiv 1910.01279) for a region of a segmentation.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import ClassVar, get_args

import numpy as np

from misure_onnx.errors import require
from misure_onnx.graph.exposed import with_outputs
from misure_onnx.graph.graph_backed import graph_of
from misure_onnx.graph.layer_choice import choose_layer
from misure_onnx.graph.layers import Layer
from misure_onnx.graph.load import load_with_weights
from misure_onnx.mask import resize_map, scaled_to_unit
from misure_onnx.methods.base import Attribution, Method
from misure_onnx.methods.gradient_cam import NO_SIGNAL, positive_part
from misure_onnx.methods.map_region import of_map, require_threshold
from misure_onnx.methods.score_question import layer_note
from misure_onnx.methods.task import Task
from misure_onnx.methods.value import ValueName
from misure_onnx.perturbation import make_baseline
from misure_onnx.types import FloatArray, Mask


@dataclass(frozen=True)
class ScoreCam(Method):
    """map = max(0, sum_k w_k A_k), w_k = S(x through H_k) - S(b): eq. 7 of the paper (its increase of confidence).

    H_k is A_k at the image's size (bilinear), scaled to [0, 1]; b is the baseline, which also replaces what H_k hides.
    A constant A_k hides nothing in particular and has weight 0. Cut at zero before resizing.

    The paper goes on to apply a softmax to the w_k, its authors' code does not; on probabilities it makes all weights
    nearly equal.

    Attributes:
        layer: name of a tensor in the file (`misure inspect MODEL --layers`); empty: the bottleneck.
        value: S: `mean_probability` or `mean_score` of the class over the target's region, `dice` or `soft_dice`.
        softmax: of the weights.
        baseline: what replaces hidden pixels.
        threshold: the binary region is the map, scaled to [0, 1], above this value.
    """

    name: ClassVar[str] = "score_cam"
    summary: ClassVar[str] = "feature maps of a layer weighted by the score of the image through each (Score-CAM)"
    serves_volumes: ClassVar[bool] = False
    layers_required: ClassVar[bool] = True

    layer: str = ""
    value: ValueName = "mean_probability"
    softmax: bool = False
    baseline: str = "zero"
    threshold: float = 0.1

    def __post_init__(self) -> None:
        known = get_args(ValueName)
        require(self.value in known, f"value must be {', '.join(known)}, got {self.value!r}")
        require_threshold(self.threshold)

    def attribute(self, task: Task) -> Attribution:
        """One forward a map of the layer, and one for the baseline."""
        choice = choose_layer(graph_of(task.segmenter), task.image, self.layer)
        planes = _activations(task, choice.layer)
        telling = [k for k, plane in enumerate(planes) if plane.min() < plane.max()]
        baseline = make_baseline(self.baseline, task.image, task.rng())
        masks = _masks(planes, telling, task)
        nothing, *scores = (value for _, value in task.judged(masks, baseline, many=True, value=self.value))
        weights = np.zeros(len(planes))
        weights[telling] = np.array(scores) - nothing
        if self.softmax and telling:
            powers = np.exp(weights[telling] - weights[telling].max())
            weights[telling] = powers / powers.sum()
        coarse = np.asarray(np.tensordot(weights, planes, axes=1), np.float32)
        found = of_map(positive_part(coarse, task.size), self.threshold, NO_SIGNAL)
        notes = (layer_note(choice), *found.notes)
        return replace(found, notes=notes, baseline=self.baseline, trace={"weights": weights.tolist()})


def _activations(task: Task, layer: Layer) -> FloatArray:
    """(K, h, w), as the deployed model computes them."""
    deployed = graph_of(task.segmenter)
    run = deployed.run_edited(with_outputs(load_with_weights(deployed.path), [layer.name]))
    fed = deployed.input.to_network(np.repeat(task.image, deployed.input.batch or 1, axis=0))
    (values,) = run([layer.name], {deployed.input.name: fed})
    planes: FloatArray = layer.planes(values[:1])[0]
    return planes


def _masks(planes: FloatArray, telling: list[int], task: Task) -> Iterator[Mask]:
    """Nothing visible, then what each map shows."""
    yield np.zeros(task.size, np.float32)
    for done, k in enumerate(telling, start=1):
        task.progress("score_cam", done, len(telling))
        yield scaled_to_unit(resize_map(np.ascontiguousarray(planes[k]), task.size))
