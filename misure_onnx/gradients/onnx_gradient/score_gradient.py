"""d(weighted scores)/d(image or layer) by a gradient graph in ONNX Runtime."""

import numpy as np
import onnx

from misure_onnx.errors import GradientError
from misure_onnx.gradients.base import ScoreProblem, Sensitivity
from misure_onnx.gradients.onnx_gradient.differentiate import GRADIENT, KNOWN, UPSTREAM
from misure_onnx.gradients.onnx_gradient.normalise import OLDEST_OPSET, normalised
from misure_onnx.gradients.onnx_gradient.objective import prefixed_name
from misure_onnx.gradients.onnx_gradient.score_graph import ASKED, IMAGE, PROBE, WEIGHTS, ScoreQuestion, score_graph
from misure_onnx.gradients.onnx_gradient.session import gradient_session
from misure_onnx.gradients.onnx_gradient.values import Array
from misure_onnx.gradients.score_fidelity import checked_score_fidelity
from misure_onnx.gradients.score_subject import ScoreSubject
from misure_onnx.graph.graph_backed import GraphBacked
from misure_onnx.graph.load import opset_version
from misure_onnx.segmenter import Segmenter
from misure_onnx.types import FloatArray, Images, Scores


class OnnxScoreGradient:
    """Model, weighted sum and the way back in one graph: one run an image. Everything is computed in float32.

    Args:
        deployed: the segmenter's graph.
        segmenter: the deployed model; its execution providers run the gradient graph too.
        problem: image, target and tensor.

    Raises:
        GradientError: an operator has no rule, or the scores do not depend on the tensor.
        FidelityError: the graph deviates from the deployed model.
    """

    route = "onnx_gradient"

    def __init__(self, deployed: GraphBacked, segmenter: Segmenter, problem: ScoreProblem) -> None:
        subject = ScoreSubject(deployed, problem)
        self._question = ScoreQuestion(
            subject.input,
            subject.output,
            problem.target.class_index,
            problem.target.rival,
            problem.image.shape,
            subject.probe,
            subject.layer,
            subject.layer_shape,
        )
        self._session = gradient_session(_graph(subject, self._question), segmenter.identity.providers_used)
        self._fixed: dict[str, Array] = {UPSTREAM: np.ones((), np.float32)}
        if subject.probe:
            self._fixed[PROBE] = np.zeros(subject.layer_shape, np.float32)
        self.unit = subject.unit
        self.notes = (subject.note,) if subject.note else ()
        self.fidelity = checked_score_fidelity(self._predict, self.evaluate, subject, segmenter, problem)

    def evaluate(self, image: Images, weights: FloatArray) -> Sensitivity:
        """One forward and backward for an image (1, C, H, W) and weights v (H, W)."""
        layer = [prefixed_name(self._question.layer)] if self._question.probe else []
        score, gradient, *values = self._run([ASKED, GRADIENT, *layer], image, weights)
        return Sensitivity(float(score), values[0] if values else image, gradient)

    def _predict(self, images: Images) -> Scores:
        """The model's scores at their own size."""
        (output,) = self._run(
            [prefixed_name(self._question.output.name)], images, np.zeros(images.shape[2:], np.float32)
        )
        return self._question.output.to_scores(output, images.shape[2:])

    def _run(self, names: list[str], image: Images, weights: FloatArray) -> list[Array]:
        plane = np.ascontiguousarray(weights, np.float32)[None, None]
        results: list[Array] = self._session.run(names, {**self._fixed, IMAGE: image, WEIGHTS: plane})
        return results


def _graph(subject: ScoreSubject, question: ScoreQuestion) -> onnx.ModelProto:
    shapes, outputs = question.model_shapes(), question.model_outputs()
    try:
        return score_graph(normalised(subject.model, shapes=shapes, outputs=outputs, known=KNOWN), question)
    except GradientError as error:
        version = opset_version(subject.model)
        if version >= OLDEST_OPSET:
            raise
        raised = f"the file's opset {version} was raised to {OLDEST_OPSET} for the gradient"
        raise GradientError(f"{error} ({raised})") from error
