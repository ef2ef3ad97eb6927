"""d(preservation loss)/d(mask) by a gradient graph in ONNX Runtime."""

from typing import Any

import numpy as np
import onnxruntime as ort

from misure_onnx.errors import GradientError
from misure_onnx.execution_providers import on_cuda
from misure_onnx.gradients.base import Evaluation, MaskProblem
from misure_onnx.gradients.fidelity import checked_fidelity
from misure_onnx.gradients.onnx_gradient import objective as names
from misure_onnx.gradients.onnx_gradient.differentiate import GRADIENT, KNOWN, UPSTREAM
from misure_onnx.gradients.onnx_gradient.normalise import OLDEST_OPSET, normalised
from misure_onnx.gradients.onnx_gradient.objective import Objective, objective_graph
from misure_onnx.gradients.onnx_gradient.session import gradient_session
from misure_onnx.gradients.onnx_gradient.values import Array
from misure_onnx.gradients.score_tensor import scores_of
from misure_onnx.graph.graph_backed import GraphBacked
from misure_onnx.graph.load import load_with_weights, opset_version
from misure_onnx.processors import usable_cores
from misure_onnx.segmenter import Segmenter
from misure_onnx.types import FloatArray, Images, Mask, Scores


class OnnxMaskGradient:
    """Blend, model, loss and the way back in one graph: one run a mask.

    A uint8 input is fed as float, so that a gradient exists; a graph that ends in ArgMax is read at the
    scores before it. Everything is computed in float32.

    Args:
        deployed: the segmenter's graph.
        segmenter: the deployed model; its execution providers run the gradient graph too.
        problem: what a mask must preserve.
        at_once: how many masks will be evaluated at the same time, each on its share of the processors.

    Raises:
        GradientError: an operator has no rule, or nothing differentiable precedes a label map.
        FidelityError: the graph deviates from the deployed model.
    """

    route = "onnx_gradient"

    def __init__(self, deployed: GraphBacked, segmenter: Segmenter, problem: MaskProblem, at_once: int = 1) -> None:
        self._problem = problem
        self._objective = _objective(deployed, problem)
        providers = segmenter.identity.providers_used
        self.at_once = 1 if on_cuda(providers) else min(at_once, usable_cores())
        threads = usable_cores() // self.at_once
        self._session = deployed.derived.once(
            "mask gradient",
            (self._objective, providers, threads),
            lambda: _session(deployed, self._objective, providers, threads),
        )
        region, domain = problem.target.region, problem.target.domain
        self._constants: dict[str, Array] = {
            names.REGION: _plane(region & domain),
            names.OUTSIDE: _plane(~region & domain),
            names.DOMAIN: _plane(domain),
            UPSTREAM: np.ones((), np.float32),
        }
        self._one, self._zeros = np.ones((), np.float32), _plane(np.zeros_like(region))
        if problem.loss.kind == "score_drop":
            self._constants[names.REFERENCE] = self._zeros
            scores = self._predict(np.ones(problem.target.region.shape, np.float32))
            probability = problem.target.probability(scores, self._objective.output.head)
            self._constants[names.REFERENCE] = _plane(probability[0])
        self.fidelity = checked_fidelity(self._predict, self._look, deployed, segmenter, problem, at_once=self.at_once)

    def evaluate(self, mask: Mask, baseline: int = 0, image: Images | None = None) -> Evaluation:
        """One forward and backward for a mask (H, W) and one of the problem's baselines."""
        feeds = self._feeds(self._problem.image if image is None else image, self._problem.baselines[baseline], mask)
        loss, predicted, gradient = self._session.run([names.LOSS, names.PREDICTED, GRADIENT], feeds)
        dice = float(self._problem.target.dice(predicted[0])[0])
        return Evaluation(float(loss), dice, gradient[0, 0])

    def _feeds(self, image: Images, baseline: Images, mask: Mask) -> dict[str, Array]:
        return {
            **self._constants,
            names.IMAGE: image,
            names.BASELINE: baseline,
            names.MASK: np.ascontiguousarray(mask, np.float32)[None, None],
            names.LOSS_WEIGHT: self._one,
            names.SCORE_WEIGHTS: self._zeros,
        }

    def _predict(self, mask: Mask) -> Scores:
        """Of the problem's image through a mask, under its first baseline; the way back is not run."""
        only = ort.RunOptions()
        only.only_execute_path_to_fetches = True
        feeds = self._feeds(self._problem.image, self._problem.baselines[0], mask)
        scores: Scores = self._session.run([names.SCORES], feeds, only)[0]
        return scores

    def _look(self, mask: Mask) -> tuple[Scores, FloatArray]:
        """The same, and d(mean score of the target over its region)/d(mask)."""
        region = self._problem.target.region
        feeds = self._feeds(self._problem.image, self._problem.baselines[0], mask)
        feeds[names.LOSS_WEIGHT] = np.zeros((), np.float32)
        feeds[names.SCORE_WEIGHTS] = _plane(region / np.float32(region.sum()))
        scores, gradient = self._session.run([names.SCORES, GRADIENT], feeds)
        return scores, gradient[0, 0]


def _objective(deployed: GraphBacked, problem: MaskProblem) -> Objective:
    channels, *size = problem.image.shape[1:]
    return Objective(
        input=deployed.input,
        output=scores_of(deployed),
        class_index=problem.target.class_index,
        rival=problem.target.rival,
        loss=problem.loss,
        size=tuple(size),
        channels=channels,
    )


def _session(
    deployed: GraphBacked, objective: Objective, providers: tuple[str, ...], threads: int
) -> ort.InferenceSession:
    file = load_with_weights(deployed.path)
    shapes, outputs = {objective.input.name: objective.own_shape()}, [objective.output.name]
    try:
        graph = objective_graph(normalised(file, shapes=shapes, outputs=outputs, known=KNOWN), objective)
    except GradientError as error:
        if opset_version(file) >= OLDEST_OPSET:
            raise
        raised = f"the file's opset {opset_version(file)} was raised to {OLDEST_OPSET} for the gradient"
        raise GradientError(f"{error} ({raised})") from error
    return gradient_session(graph, providers, threads)


def _plane(values: np.ndarray[Any, Any]) -> FloatArray:
    """(H, W) -> (1, 1, H, W)."""
    return np.ascontiguousarray(values[None, None], np.float32)
