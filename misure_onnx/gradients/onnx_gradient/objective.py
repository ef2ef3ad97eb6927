"""Everything around the model, as ONNX nodes: blend before it, probabilities and preservation loss after it.

One run then takes a mask and gives the loss, its gradient and the predicted region.
"""

import math
from dataclasses import dataclass

import numpy as np
import onnx
from onnx import compose, helper

from misure_onnx.gradients.base import SMALLEST_PROBABILITY, PreservationLoss
from misure_onnx.gradients.onnx_gradient.differentiate import differentiated
from misure_onnx.gradients.onnx_gradient.values import Array, shape_of_output
from misure_onnx.graph.input_signature import InputSignature
from misure_onnx.graph.load import opset_version
from misure_onnx.graph.output_signature import OutputSignature
from misure_onnx.graph.writer import GraphWriter
from misure_onnx.overlap import SOFT_EPSILON
from misure_onnx.scores import ScoreKind
from misure_onnx.types import Size

MASK, IMAGE, BASELINE = "mask", "image", "baseline"
REGION, OUTSIDE, DOMAIN, REFERENCE = "region", "outside", "domain", "reference"
LOSS_WEIGHT, SCORE_WEIGHTS = "loss_weight", "score_weights"
SCORES, LOSS, PREDICTED, ASKED = "scores", "loss", "predicted", "asked"

_LOG_FLOOR = 1e-7
_MODEL = "model/"


@dataclass(frozen=True)
class Objective:
    """What is asked about a model.

    Attributes:
        input, output: the model's image input and the tensor that holds its scores.
        class_index: l, the target's class.
        rival: of a contrast the only class that it is compared with.
        loss: the preservation loss.
        size: (H, W) of the image, (D, H, W) of a volume.
        channels: C of the image.
    """

    input: InputSignature
    output: OutputSignature
    class_index: int
    rival: int | None
    loss: PreservationLoss
    size: Size
    channels: int

    def own_shape(self) -> tuple[int, ...]:
        """Of the model's input for one image."""
        if self.input.layout.startswith("NC"):
            return (1, self.channels, *self.size)
        return (1, *self.size, self.channels)

    def inputs(self) -> dict[str, tuple[int, ...]]:
        """Shapes of the objective graph's inputs.

        image, baseline: as `MaskProblem` has them. mask: 1 = pixel kept. domain: 1 where a pixel counts; region
        and outside: 1 where it counts and is, or is not, of the target. reference (of the loss `score_drop` alone):
        the class's probabilities on the unperturbed image. loss_weight a and score_weights v say
        what is differentiated: `asked` = a * loss + sum(v * s_l), s_l the scores of the target's class.
        """
        picture, plane = (1, self.channels, *self.size), (1, 1, *self.size)
        planes = dict.fromkeys((MASK, REGION, OUTSIDE, DOMAIN, SCORE_WEIGHTS), plane)
        if self.loss.kind == "score_drop":
            planes[REFERENCE] = plane
        return {IMAGE: picture, BASELINE: picture, LOSS_WEIGHT: (), **planes}


def objective_graph(model: onnx.ModelProto, objective: Objective) -> onnx.ModelProto:
    """Forward and backward of an objective.

    Args:
        model: normalised, at the size of the image.
        objective: what is asked.

    Returns:
        Inputs: `Objective.inputs` and differentiate.UPSTREAM. Outputs: `SCORES` (1, L, H, W), `LOSS` (a scalar),
        `PREDICTED` (1, 1, H, W) bool, and differentiate.GRADIENT: d(`ASKED`)/d(mask), (1, 1, H, W).

    Raises:
        GradientError: operators have no rule, or the scores do not depend on the image.
    """
    prefixed = with_prefix(model)
    write = GraphWriter(opset_version(model), (), prefix="objective")
    blended = write.add(BASELINE, write.multiply(write.subtract(IMAGE, BASELINE), MASK))
    fed, detached = model_input(write, blended, objective.input)
    prefixed.graph.node.insert(0, helper.make_node("Identity", [fed], [prefixed_name(objective.input.name)]))
    before = write.nodes
    write.nodes = []
    zeros = {objective.input.name: np.zeros(objective.own_shape(), np.float32)}
    shape = shape_of_output(model, objective.output.name, zeros)
    scores = canonical_scores(write, prefixed_name(objective.output.name), objective.output, shape, objective.size)
    _write_asked(write, objective, scores, detached)
    graph = helper.make_graph(
        [*before, *prefixed.graph.node, *write.nodes],
        "objective",
        [helper.make_tensor_value_info(n, onnx.TensorProto.FLOAT, s) for n, s in objective.inputs().items()],
        [helper.make_empty_tensor_value_info(name) for name in (SCORES, LOSS, PREDICTED)],
        [*prefixed.graph.initializer, *write.constants],
    )
    _rename(graph, scores, SCORES)
    whole = helper.make_model(graph, opset_imports=model.opset_import, ir_version=model.ir_version)
    rng = np.random.default_rng(0)
    feeds: dict[str, Array] = {n: np.asarray(rng.random(s), np.float32) for n, s in objective.inputs().items()}
    return differentiated(whole, of=ASKED, wrt=MASK, feeds=feeds, detached=detached)


def with_prefix(model: onnx.ModelProto) -> onnx.ModelProto:
    """The model with its tensors renamed, so that none is called like one around it."""
    return compose.add_prefix(model, _MODEL, rename_nodes=False)  # errors give the file's own names


def prefixed_name(tensor: str) -> str:
    """What a tensor of the model is called there."""
    return _MODEL + tensor


def model_input(write: GraphWriter, own: str, signature: InputSignature) -> tuple[str, set[str]]:
    """Pixels (1, C, H, W) in the model's layout; a uint8 model gets them rounded, with the gradient of the unrounded.

    Returns:
        The tensor that the model reads, and those that are taken as constants.
    """
    detached: set[str] = set()
    if signature.dtype == np.uint8:
        rounded = write.node("Clip", write.node("Round", own), write.number(0), write.number(255))
        correction = write.subtract(rounded, own)
        detached.add(correction)
        own = write.add(own, correction)
    if signature.layout.startswith("NC"):
        return own, detached
    return write.transpose(own, [0, *range(2, 2 + signature.rank), 1]), detached


def canonical_scores(
    write: GraphWriter, scores: str, output: OutputSignature, shape: tuple[int, ...], size: Size
) -> str:
    """The model's output of a shape -> (1, L, H, W), the twin of the deployed segmenter's `predict`."""
    own_size = output.size_of(shape, size)
    if not output.classes_first:
        last = len(own_size) + 1
        scores = write.transpose(write.reshape(scores, [1, *own_size, -1]), [0, last, *range(1, last)])
    elif output.layout not in ("NCHW", "NCDHW"):
        scores = write.reshape(scores, [1, -1, *own_size])
    if own_size != size:
        sizes = write.integers([1, math.prod(shape) // math.prod(own_size), *size])
        scores = write.node("Resize", scores, "", "", sizes, mode="linear", coordinate_transformation_mode="half_pixel")
    return scores


def target_scores(write: GraphWriter, scores: str, class_index: int, rival: int | None) -> str:
    """(1, 1, H, W) `ResolvedTarget.score`."""
    own = write.slice(scores, class_index, class_index + 1, 1)
    return own if rival is None else write.subtract(own, write.slice(scores, rival, rival + 1, 1))


def _rename(graph: onnx.GraphProto, old: str, new: str) -> None:
    """Instead of an Identity, which would copy all scores in every run."""
    for names in (names for node in graph.node for names in (node.input, node.output)):
        for k, name in enumerate(names):
            if name == old:
                names[k] = new


def named(write: GraphWriter, tensor: str, name: str) -> str:
    """A tensor under another name."""
    write.nodes.append(helper.make_node("Identity", [tensor], [name]))
    return name


def _write_asked(write: GraphWriter, objective: Objective, scores: str, detached: set[str]) -> None:
    own = write.slice(scores, objective.class_index, objective.class_index + 1, 1)
    if objective.rival is not None:
        highest = write.slice(scores, objective.rival, objective.rival + 1, 1)
        predicted = write.node("Greater" if objective.rival < objective.class_index else "GreaterOrEqual", own, highest)
    elif objective.output.head.exclusive:
        highest = write.maximum(scores, 1)
        detached.add(highest)  # softmax does not change when all its scores do
        predicted = write.node("GreaterOrEqual", own, highest)
    else:
        highest, threshold = "", write.number(objective.output.head.score_threshold)
        predicted = write.node("Greater", own, threshold)
    named(write, predicted, PREDICTED)
    if objective.rival is None:
        target, background = _probabilities(write, objective, scores, own, highest)
    else:
        target = _share(write, objective.output.head.kind, own, highest)
        background = write.subtract(write.number(1), target)
    named(write, _LOSSES[objective.loss.kind](write, objective.loss, target, background), LOSS)
    asked = target_scores(write, scores, objective.class_index, objective.rival)
    weighted = total(write, write.multiply(asked, SCORE_WEIGHTS))
    named(write, write.add(write.multiply(LOSS, LOSS_WEIGHT), weighted), ASKED)


def _probabilities(write: GraphWriter, objective: Objective, scores: str, own: str, highest: str) -> tuple[str, str]:
    """(1, 1, H, W) probabilities of the target's class, whose scores are `own`, and of the background.

    Softmax is written out: ONNX Runtime's own is ten times slower along an inner axis. The classes asked for are
    taken from the scores, not from their exponentials, which saves the backward pass two tensors of all classes.
    """
    kind, background = objective.output.head.kind, objective.loss.background_class
    total = write.sum(write.node("Exp", write.subtract(scores, highest)), [1]) if kind == "logits" else ""

    def probability(values: str) -> str:
        if kind == "logits":
            return write.divide(write.node("Exp", write.subtract(values, highest)), total)
        return write.node("Sigmoid", values) if kind == "sigmoid_logits" else values

    found = probability(own)
    if background is None:
        return found, write.subtract(write.number(1), found)
    return found, probability(write.slice(scores, background, background + 1, 1))


def _share(write: GraphWriter, kind: ScoreKind, own: str, rival: str) -> str:
    """`Head.share`; half where both are (nearly) 0."""
    if kind in ("logits", "sigmoid_logits"):
        return write.node("Sigmoid", write.subtract(own, rival))
    floor = write.number(SMALLEST_PROBABILITY)
    own = write.add(own, floor)
    return write.divide(own, write.add(own, write.add(rival, floor)))


def _one_minus_dice(write: GraphWriter, loss: PreservationLoss, target: str, background: str) -> str:
    found = write.scaled(_soft_dice(write, target, REGION), loss.alpha_target)
    rest = write.scaled(_soft_dice(write, background, OUTSIDE), loss.alpha_background)
    return write.subtract(write.subtract(write.number(1), found), rest)


def _soft_dice(write: GraphWriter, predicted: str, reference: str) -> str:
    """(2 sum(p y) + e) / (sum(p) + sum(y) + e) over the domain, in which `reference` already lies."""
    epsilon = write.number(SOFT_EPSILON)
    overlap = write.add(write.scaled(total(write, write.multiply(predicted, reference)), 2), epsilon)
    both = write.add(total(write, write.multiply(predicted, DOMAIN)), total(write, reference))
    return write.divide(overlap, write.add(both, epsilon))


def _cross_entropy(write: GraphWriter, loss: PreservationLoss, target: str, background: str) -> str:
    terms = []
    for probability, where, weight in (
        (target, REGION, loss.alpha_target),
        (background, OUTSIDE, loss.alpha_background),
    ):
        logarithm = write.node("Log", write.node("Clip", probability, write.number(_LOG_FLOOR)))
        terms.append(write.scaled(write.multiply(where, logarithm), weight))
    return write.negated(write.divide(total(write, write.add(*terms)), total(write, DOMAIN)))


def _mean_probability(write: GraphWriter, loss: PreservationLoss, target: str, background: str) -> str:
    del loss, background
    return write.subtract(write.number(1), _mean_over_region(write, target))


def _score_drop(write: GraphWriter, loss: PreservationLoss, target: str, background: str) -> str:
    del loss, background
    return _mean_over_region(write, write.node("Relu", write.subtract(REFERENCE, target)))


def _mean_over_region(write: GraphWriter, plane: str) -> str:
    return write.divide(total(write, write.multiply(plane, REGION)), total(write, REGION))


_LOSSES = {
    "dice": _one_minus_dice,
    "cross_entropy": _cross_entropy,
    "mean_probability": _mean_probability,
    "score_drop": _score_drop,
}


def total(write: GraphWriter, plane: str) -> str:
    """The sum over (1, 1, H, W).

    Rows first: one long float32 sum over 513 x 513 pixels is wrong in its fifth digit.
    """
    return write.sum(write.reshape(write.sum(plane, [-1]), [-1]), [0], keepdims=False)
