"""Route `torch`: the ONNX graph run by torch functions, so that autograd gives the gradient."""

import importlib.util

from misure_onnx.errors import GradientError
from misure_onnx.gradients.base import MaskGradient, MaskProblem, ScoreGradient, ScoreProblem
from misure_onnx.graph.graph_backed import graph_of
from misure_onnx.segmenter import Segmenter


def build_torch_gradient(segmenter: Segmenter, problem: MaskProblem, at_once: int = 1) -> MaskGradient:
    """Builds the bridge and compares it with the deployed model on the very image; it takes one mask after the other.

    Raises:
        GradientError: torch is not installed, there is no ONNX graph, or an operator has no translation.
        FidelityError: the bridge deviates from the deployed model.
    """
    del at_once  # torch gives one evaluation all processors
    _require_torch()
    deployed = graph_of(segmenter)
    from misure_onnx.gradients.torch_bridge.mask_gradient import TorchMaskGradient  # noqa: PLC0415 - torch is optional

    return TorchMaskGradient(deployed, segmenter, problem)


def build_torch_score_gradient(segmenter: Segmenter, problem: ScoreProblem) -> ScoreGradient:
    """As `build_torch_gradient`, for the scores' gradient by the image or a layer."""
    _require_torch()
    deployed = graph_of(segmenter)
    from misure_onnx.gradients.torch_bridge.score_gradient import TorchScoreGradient  # noqa: PLC0415 - torch is optional

    return TorchScoreGradient(deployed, segmenter, problem)


def _require_torch() -> None:
    if importlib.util.find_spec("torch") is None:
        raise GradientError("torch is not installed: pip install 'misure-onnx[torch]'")
