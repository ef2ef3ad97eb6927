"""Where masks are scored: outside the graph with numpy (`plain`), or inside it (`fused`)."""

from typing import Literal, Protocol, runtime_checkable

import numpy as np
import numpy.typing as npt

from misure_onnx.errors import ParameterError, UnsupportedModel
from misure_onnx.execution_providers import on_cuda
from misure_onnx.segmenter import CountingSegmenter
from misure_onnx.target import ResolvedTarget
from misure_onnx.types import FloatArray, Images

Scoring = Literal["auto", "plain", "fused"]
"""`auto`: fused where scores would have to leave a GPU, plain elsewhere (on processors its forwards run side by side,
which is faster)."""


class MaskScorer(Protocol):
    """Hard Dice of one target in one image through masks."""

    def dice(self, masks: FloatArray, baseline: Images) -> npt.NDArray[np.float64]:
        """(N,) for masks (N, H, W) and a baseline (1, C, H, W)."""

    def dice_and_leads(self, masks: FloatArray, baseline: Images) -> tuple[npt.NDArray[np.float64], list[FloatArray]]:
        """The same, and the target's lead (N, 32, 32) at the points of each of its lattices."""


@runtime_checkable
class FusesScoring(Protocol):
    """A segmenter that can count inside its graph."""

    def fused_scorer(self, image: Images, target: ResolvedTarget) -> MaskScorer:
        """A scorer of one target in an image (1, C, H, W).

        Raises:
            UnsupportedModel: the graph cannot be extended faithfully.
        """


def fused_scorer(
    choice: Scoring, segmenter: CountingSegmenter, image: Images, target: ResolvedTarget
) -> tuple[MaskScorer | None, tuple[str, ...]]:
    """The scorer inside the graph, or None for the plain one; and what was chosen for the user.

    Raises:
        ParameterError: `fused` was asked for, and the segmenter has no graph.
        UnsupportedModel: `fused` was asked for, and the graph cannot be extended faithfully.
    """
    deployed = segmenter.segmenter
    on_gpu = on_cuda(segmenter.identity.providers_used)
    if choice == "plain" or (choice == "auto" and not on_gpu):
        return None, ()
    if not isinstance(deployed, FusesScoring):
        if choice == "auto":
            return None, ()
        raise ParameterError("scoring 'fused' needs an ONNX file; this segmenter has no graph: use plain")
    try:
        return deployed.fused_scorer(image, target), ("masks were scored inside the graph",)
    except UnsupportedModel as error:
        if choice == "fused":
            raise
        return None, (f"masks were scored outside the graph: {error}",)
