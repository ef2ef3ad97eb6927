"""Seg-HiRes-Grad-CAM: gradient times activation, place by place.

Rheude, Wirtz, Kuijper, Wesarg 2024 (*Leveraging CAM Algorithms for Explaining Medical Semantic Segmentation*), after
HiResCAM (Draelos, Carin 2020, arXiv 2011.08891).
"""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from misure_onnx.methods.gradient_cam import GradientCam
from misure_onnx.types import FloatArray, SaliencyMap


@dataclass(frozen=True)
class SegHiResGradCam(GradientCam):
    """map = max(0, sum_k G_k A_k), nothing averaged over places (see `GradientCam`).

    The original's region is where the softmax exceeds 0.5; here it is the target's, as for every method. Cut at
    zero before resizing.
    """

    name: ClassVar[str] = "seg_hires_grad_cam"
    summary: ClassVar[str] = "gradient times activation of a layer, place by place (Seg-HiRes-Grad-CAM)"
    serves_volumes: ClassVar[bool] = False

    def coarse_map(self, activations: FloatArray, gradient: FloatArray) -> SaliencyMap:
        """(h, w)."""
        return np.asarray(np.einsum("khw,khw->hw", activations, gradient, dtype=np.float64), np.float32)
