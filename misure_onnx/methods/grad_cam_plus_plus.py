"""Grad-CAM++: feature maps weighted by their positive gradients, each place by how much it alone explains.

Chattopadhay et al. 2018 (arXiv 1710.11063), eq. 19, for the sum of scores over a region.
"""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from misure_onnx.methods.gradient_cam import GradientCam
from misure_onnx.types import FloatArray, SaliencyMap

_EPSILON = 1e-7


@dataclass(frozen=True)
class GradCamPlusPlus(GradientCam):
    """map = max(0, sum_k w_k A_k), w_k = sum over places of max(0, G_k) * a_k (see `GradientCam`).

    a_k = G_k^2 / (2 G_k^2 + s_k G_k^3 + 1e-7), s_k the sum of A_k; 0 where G_k is 0. This is the closed form that the
    paper derives for the exponential of the score, without the factor exp(S), which overflows for a sum over pixels.
    Cut at zero before resizing.
    """

    name: ClassVar[str] = "grad_cam_plus_plus"
    summary: ClassVar[str] = "feature maps weighted by positive gradients, place by place (Grad-CAM++)"
    serves_volumes: ClassVar[bool] = False

    def coarse_map(self, activations: FloatArray, gradient: FloatArray) -> SaliencyMap:
        """(h, w)."""
        a, g = activations.astype(np.float64), gradient.astype(np.float64)
        sums = a.sum(axis=(1, 2), keepdims=True)
        share = np.where(g == 0, 0, g**2 / (2 * g**2 + sums * g**3 + _EPSILON))
        weights = (np.maximum(g, 0) * share).sum(axis=(1, 2))
        return np.asarray(np.tensordot(weights, a, axes=1), np.float32)
