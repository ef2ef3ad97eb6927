"""A weighted sum of one class's scores around the model, and the way back to the image or to a layer."""

from dataclasses import dataclass

import numpy as np
import onnx
from onnx import helper

from misure_onnx.gradients.onnx_gradient.differentiate import differentiated
from misure_onnx.gradients.onnx_gradient.objective import (
    canonical_scores,
    model_input,
    named,
    prefixed_name,
    target_scores,
    total,
    with_prefix,
)
from misure_onnx.gradients.onnx_gradient.values import Array, shape_of_output
from misure_onnx.graph.input_signature import InputSignature
from misure_onnx.graph.load import opset_version
from misure_onnx.graph.output_signature import OutputSignature
from misure_onnx.graph.writer import GraphWriter

IMAGE, PROBE, WEIGHTS, ASKED = "image", "probe", "weights", "asked"


@dataclass(frozen=True, eq=False)
class ScoreQuestion:
    """What is asked about a model.

    Attributes:
        input, output: the model's image input and the tensor that holds its scores.
        class_index: l, the target's class.
        rival: of a contrast the class whose scores are subtracted.
        image_shape: (1, C, H, W).
        probe: name of the model's input that is added to the layer; empty: the image is asked about.
        layer, layer_shape: the layer, where there is a probe.
    """

    input: InputSignature
    output: OutputSignature
    class_index: int
    rival: int | None
    image_shape: tuple[int, ...]
    probe: str
    layer: str
    layer_shape: tuple[int, ...]

    @property
    def own_shape(self) -> tuple[int, ...]:
        """Of the model's image input."""
        n, channels, *size = self.image_shape
        return (n, channels, *size) if self.input.layout.startswith("NC") else (n, *size, channels)

    def model_shapes(self) -> dict[str, tuple[int, ...]]:
        """Of all the model's inputs."""
        probe = {self.probe: self.layer_shape} if self.probe else {}
        return {self.input.name: self.own_shape, **probe}

    def model_outputs(self) -> list[str]:
        """The tensors that the model must give."""
        return list(dict.fromkeys([self.output.name, *([self.layer] if self.probe else [])]))

    def inputs(self) -> dict[str, tuple[int, ...]]:
        """Shapes of the score graph's inputs, all float32."""
        probe = {PROBE: self.layer_shape} if self.probe else {}
        return {IMAGE: self.image_shape, WEIGHTS: (1, 1, *self.image_shape[2:]), **probe}


def score_graph(model: onnx.ModelProto, question: ScoreQuestion) -> onnx.ModelProto:
    """Forward and backward.

    Args:
        model: normalised, with the question's shapes and outputs.
        question: what is asked.

    Returns:
        Inputs: `ScoreQuestion.inputs` and differentiate.UPSTREAM (a scalar). Outputs: the model's own, their names
        prefixed; `ASKED`, the sum of weights * scores of the class; differentiate.GRADIENT: d(`ASKED`)/d(probe) or,
        without one, d(`ASKED`)/d(image).

    Raises:
        GradientError: operators have no rule, or the scores do not depend on what is asked about.
    """
    prefixed = with_prefix(model)
    write = GraphWriter(opset_version(model), (), prefix="question")
    fed, detached = model_input(write, IMAGE, question.input)
    before = [*write.nodes, helper.make_node("Identity", [fed], [prefixed_name(question.input.name)])]
    if question.probe:
        before.append(helper.make_node("Identity", [PROBE], [prefixed_name(question.probe)]))
    write.nodes = []
    zeros = {name: np.zeros(shape, np.float32) for name, shape in question.model_shapes().items()}
    shape = shape_of_output(model, question.output.name, zeros)
    own = prefixed_name(question.output.name)
    scores = canonical_scores(write, own, question.output, shape, question.image_shape[2:])
    chosen = target_scores(write, scores, question.class_index, question.rival)
    named(write, total(write, write.multiply(chosen, WEIGHTS)), ASKED)
    outputs = [*map(prefixed_name, question.model_outputs()), ASKED]
    graph = helper.make_graph(
        [*before, *prefixed.graph.node, *write.nodes],
        "question",
        [helper.make_tensor_value_info(n, onnx.TensorProto.FLOAT, s) for n, s in question.inputs().items()],
        [helper.make_empty_tensor_value_info(name) for name in outputs],
        [*prefixed.graph.initializer, *write.constants],
    )
    whole = helper.make_model(graph, opset_imports=model.opset_import, ir_version=model.ir_version)
    rng = np.random.default_rng(0)
    feeds: dict[str, Array] = {n: np.asarray(rng.random(s), np.float32) for n, s in question.inputs().items()}
    return differentiated(whole, of=ASKED, wrt=PROBE if question.probe else IMAGE, feeds=feeds, detached=detached)
