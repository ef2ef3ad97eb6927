"""Route `onnx_gradient`: the backward pass as further ONNX nodes, so that no other library is needed."""

from misure_onnx.gradients.base import MaskGradient, MaskProblem, ScoreGradient, ScoreProblem
from misure_onnx.graph.graph_backed import graph_of
from misure_onnx.segmenter import Segmenter


def build_onnx_gradient(segmenter: Segmenter, problem: MaskProblem, at_once: int = 1) -> MaskGradient:
    """Writes the gradient graph and compares it with the deployed model on the very image.

    Raises:
        GradientError: there is no ONNX graph, or an operator has no rule.
        FidelityError: the gradient graph deviates from the deployed model.
    """
    deployed = graph_of(segmenter)
    from misure_onnx.gradients.onnx_gradient.mask_gradient import OnnxMaskGradient  # noqa: PLC0415 - heavy, one route of several

    return OnnxMaskGradient(deployed, segmenter, problem, at_once)


def build_onnx_score_gradient(segmenter: Segmenter, problem: ScoreProblem) -> ScoreGradient:
    """As `build_onnx_gradient`, for the scores' gradient by the image or a layer."""
    deployed = graph_of(segmenter)
    from misure_onnx.gradients.onnx_gradient.score_gradient import OnnxScoreGradient  # noqa: PLC0415 - heavy, one route of several

    return OnnxScoreGradient(deployed, segmenter, problem)
