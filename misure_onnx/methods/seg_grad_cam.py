"""Seg-Grad-CAM: feature maps weighted by their mean gradient.

Vinogradova, Dibrov, Myers 2020 (*Towards Interpretable Semantic Segmentation via Gradient-Weighted Class Activation
Mapping*), after Grad-CAM (Selvaraju et al. 2017).
"""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from misure_onnx.methods.gradient_cam import GradientCam
from misure_onnx.types import FloatArray, SaliencyMap


@dataclass(frozen=True)
class SegGradCam(GradientCam):
    """map = max(0, sum_k a_k A_k), a_k the mean of G_k over the layer's places (see `GradientCam`).

    The mean is the original's (some implementations take the sum: another scale of the same map). As there, the
    map is resized first and cut at zero afterwards.
    """

    name: ClassVar[str] = "seg_grad_cam"
    summary: ClassVar[str] = "feature maps of a layer weighted by their mean gradient (Seg-Grad-CAM)"
    serves_volumes: ClassVar[bool] = False
    CUT_AFTER_RESIZING: ClassVar[bool] = True

    def coarse_map(self, activations: FloatArray, gradient: FloatArray) -> SaliencyMap:
        """(h, w)."""
        weights = gradient.mean(axis=(1, 2), dtype=np.float64)
        return np.asarray(np.tensordot(weights, activations, axes=1), np.float32)
