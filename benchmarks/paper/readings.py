"""Other ways to read the method, where eq. 1 and the paper's tables do not fit together.

Each is a difference between the paper's text and its author's later code; none is a preset of the package. Stage 1, the
gradient and AdamW are the package's.
"""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import numpy as np
import onnx

from misure_onnx.gradients import mask_gradient
from misure_onnx.gradients.base import MaskProblem, PreservationLoss
from misure_onnx.mask import MaskGrid, resize_region
from misure_onnx.methods.base import Attribution, Method
from misure_onnx.methods.optimiser.adamw import AdamW
from misure_onnx.methods.sufficient_region import grow_sufficient_region
from misure_onnx.methods.task import Task
from misure_onnx.perturbation import make_baseline
from misure_onnx.preprocessing import METADATA_KEY
from misure_onnx.types import FloatArray, Region


@dataclass(frozen=True)
class Reading(Method):
    """Eq. 1 as preset `paper` has it, apart from what these say.

    Attributes:
        outside: the mask's value at the start inside the sufficient region, but outside the object (eq. 1: 1).
        visible: the mask starts at 0 where the first channel of the network's input is not above 0.
        averaged: the Dice losses are means over all classes: alpha_l (1 - D_l) / L + alpha_0 (2 - D_0 - D_l) / L.
        clamp_from: values below 0.2 become 0 from this iteration on.
        learning_rate, area_weight, mask_size, iterations: as for `MiSuRe`.
    """

    name: ClassVar[str] = "paper_reading"
    summary: ClassVar[str] = "eq. 1, read otherwise"
    uses_gradient: ClassVar[bool] = True
    gradient_required: ClassVar[bool] = True

    outside: float = 1.0
    visible: bool = False
    averaged: bool = False
    clamp_from: int = 0
    learning_rate: float = 0.1
    area_weight: float = 0.01
    mask_size: int = 224
    iterations: int = 100

    def attribute(self, task: Task) -> Attribution:
        """The last soft mask."""
        baseline = make_baseline("zero", task.image, task.rng())
        facts = grow_sufficient_region(task, baseline, 0.9)
        problem = MaskProblem(task.image, (baseline,), task.target, self.preservation(task))
        gradient, refusals = mask_gradient("gradient", task.segmenter, problem)
        grid = MaskGrid((self.mask_size, self.mask_size), task.size)
        inside = facts.region.astype(np.float32)
        values = self.start(task, facts.region)
        optimiser = AdamW(self.learning_rate, 0.01, 1e-8)
        for iteration in range(self.iterations):
            by_mask = gradient.evaluate(np.asarray(grid.upsample(values) * inside, np.float32)).gradient
            slope = grid.pull_back((by_mask + np.float32(self.area_weight / inside.size)) * inside)
            values = np.clip(optimiser.step(values, slope), 0, 1)
            if iteration >= self.clamp_from:
                values = np.where(values < 0.2, np.float32(0), values)
        soft = np.asarray(grid.upsample(values) * inside, np.float32)
        return Attribution(
            saliency=soft,
            soft_mask=soft,
            region=soft > 0,
            sufficient_region=facts,
            backwards=self.iterations,
            notes=refusals,
            route=gradient.route,
            fidelity=gradient.fidelity,
        )

    def start(self, task: Task, sufficient: Region) -> FloatArray:
        """(mask_size, mask_size) values before the first step."""
        size = (self.mask_size, self.mask_size)
        values = np.where(resize_region(task.target.region, size), 1, self.outside)
        if self.visible:
            values = values * resize_region(sufficient & (task.image[0, 0] > 0), size)
        return np.asarray(values * resize_region(sufficient, size), np.float32)

    def preservation(self, task: Task) -> PreservationLoss:
        """The data term, whose constant part does not matter."""
        spec = task.segmenter.spec
        target, background = (3 / spec.classes, 1 / spec.classes) if self.averaged else (2.0, 1.0)
        return PreservationLoss("dice", target, background, spec.background)


def with_second_softmax(model: Path, place: Path) -> Path:
    """Writes the model with a softmax after its logits, still declared as logits: probabilities are softmaxed twice."""
    graph = onnx.load(model)
    output = graph.graph.output[0].name
    for node in graph.graph.node:
        node.output[:] = ["before_softmax" if name == output else name for name in node.output]
        node.input[:] = ["before_softmax" if name == output else name for name in node.input]
    graph.graph.node.append(onnx.helper.make_node("Softmax", ["before_softmax"], [output], axis=1))
    declared = {p.key: p.value for p in graph.metadata_props}
    fields = {**json.loads(declared.get(METADATA_KEY, "{}")), "output": "logits"}
    onnx.helper.set_model_props(graph, {**declared, METADATA_KEY: json.dumps(fields)})
    onnx.save(graph, place)
    return place
