"""One question, one setting: the numbers of the paper, on the deployed model."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.paper.questions import Question
from benchmarks.paper.readings import with_second_softmax
from benchmarks.paper.settings import Setting
from misure_onnx.api import load_segmenter
from misure_onnx.explanation import Explanation
from misure_onnx.images import load_image
from misure_onnx.mask import resize_map, resize_region, scaled_to_unit
from misure_onnx.segmenter import Segmenter
from misure_onnx.types import Region

FIGURE = 3
"""Objects that form Triangle's triangle."""


@dataclass
class Models:
    """A file as it is, and with a second softmax, which is made when it is first needed."""

    plain: Segmenter
    file: Path
    place: Path
    loaded: dict[str, Segmenter] = field(default_factory=dict)

    def segmenter(self, setting: Setting) -> Segmenter:
        """The one that a setting asks."""
        if not setting.double_softmax:
            return self.plain
        if "double" not in self.loaded:
            self.loaded["double"] = load_segmenter(with_second_softmax(self.file, self.place / "double_softmax.onnx"))
        return self.loaded["double"]


def measured(models: Models, question: Question, setting: Setting) -> dict[str, Any]:
    """What one explanation gives."""
    segmenter = models.segmenter(setting)
    explanation = setting.method.explain(segmenter, question.item.image, question.target)
    stage_1 = explanation.metrics.sufficient_region
    return {
        "regions": _regions(explanation, segmenter, question, setting),
        "dilations": stage_1.dilations if stage_1 else None,
        "sufficient_ratio": stage_1.ratio if stage_1 else None,
        "sufficient_dice": stage_1.dice if stage_1 else None,
        "seconds": explanation.cost.seconds,
        "forwards": explanation.cost.forwards,
        "backwards": explanation.cost.backwards,
        "route": explanation.provenance.gradient_route,
        "status": explanation.provenance.status,
        "providers": list(explanation.provenance.providers_used),
    }


def _regions(
    explanation: Explanation, segmenter: Segmenter, question: Question, setting: Setting
) -> dict[str, dict[str, Any]]:
    """Numbers of the method's region, or of its map above each threshold, by the threshold's name."""
    if not setting.thresholds:
        metrics = explanation.metrics
        return {
            "": {
                "dice": metrics.dice_explained,
                "dice_soft": metrics.dice_explained_soft,
                "ratio": metrics.perturbation_ratio,
                **_objects(explanation.minimal_region, question),
            }
        }
    network_image = segmenter.prepare(load_image(question.item.image))
    size = network_image.shape[2:]
    target = question.target.resolve(segmenter.spec, segmenter.predict(network_image), question.item.labels.shape)
    unit = scaled_to_unit(resize_map(explanation.saliency, size))
    found = {}
    for threshold in setting.thresholds:
        region = unit > threshold
        scores = segmenter.predict(np.asarray(network_image * region, np.float32))
        dice = target.dice(segmenter.spec.head.membership(scores, target.class_index))
        shown = resize_region(region, question.item.labels.shape)
        ratio = float(region.sum()) / float(target.region.sum())
        found[f"> {threshold:g}"] = {"dice": float(dice[0]), "ratio": ratio, **_objects(shown, question)}
    return found


def _objects(region: Region, question: Question) -> dict[str, Any]:
    """Which of Triangle's objects the region touches, and how many of their pixels."""
    if question.objects is None:
        return {}
    last = int(question.objects.max())
    pixels = np.bincount(question.objects[region], minlength=last + 1)[1 : last + 1].tolist()
    return {"object_pixels": pixels}


def touches_the_three(region: dict[str, Any]) -> bool:
    """Whether a region holds pixels of all three objects of the triangle."""
    return all(region["object_pixels"][:FIGURE])


def touches_no_other(region: dict[str, Any]) -> bool:
    """Whether it holds no pixel of a distractor."""
    return not any(region["object_pixels"][FIGURE:])
