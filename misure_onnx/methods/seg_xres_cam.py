"""Seg-XRes-CAM: gradient, pooled over windows, times activation.

Hasany, Petitjean, Mériaudeau 2023 (*Seg-XRes-CAM: Explaining Spatially Local Regions in Image Segmentation*).
"""

from dataclasses import dataclass
from typing import ClassVar, Literal

import numpy as np

from misure_onnx.errors import require
from misure_onnx.methods.gradient_cam import GradientCam
from misure_onnx.types import FloatArray, SaliencyMap


@dataclass(frozen=True)
class SegXResCam(GradientCam):
    """map = max(0, sum_k P(G_k) A_k), P the pooling of windows, each filled with its pooled value (see `GradientCam`).

    Between Seg-HiRes-Grad-CAM (window 1) and Seg-Grad-CAM (one window for all). As in the authors' code, windows that
    reach over the edge are filled with zeros, which counts in their mean. Cut at zero before resizing.

    Attributes:
        window: side of a window, in places of the layer (the authors: 1 and 2).
        pooling: of a window's gradients: `mean` or `max`.
    """

    name: ClassVar[str] = "seg_xres_cam"
    summary: ClassVar[str] = "gradient pooled over windows times activation of a layer (Seg-XRes-CAM)"
    serves_volumes: ClassVar[bool] = False

    window: int = 2
    pooling: Literal["mean", "max"] = "mean"

    def __post_init__(self) -> None:
        super().__post_init__()
        require(self.window >= 1, f"window must be at least 1, got {self.window}")
        require(self.pooling in ("mean", "max"), f"pooling must be mean or max, got {self.pooling!r}")

    def coarse_map(self, activations: FloatArray, gradient: FloatArray) -> SaliencyMap:
        """(h, w)."""
        pooled = self._pooled(gradient)
        return np.asarray(np.einsum("khw,khw->hw", activations, pooled, dtype=np.float64), np.float32)

    def _pooled(self, gradient: FloatArray) -> FloatArray:
        """(K, h, w) -> (K, h, w), constant within windows."""
        channels, height, width = gradient.shape
        w = self.window
        rows, columns = -(-height // w), -(-width // w)
        padded = np.zeros((channels, rows * w, columns * w), np.float32)
        padded[:, :height, :width] = gradient
        blocks = padded.reshape(channels, rows, w, columns, w)
        value = blocks.mean(axis=(2, 4)) if self.pooling == "mean" else blocks.max(axis=(2, 4))
        filled = value.repeat(w, axis=1).repeat(w, axis=2)
        return np.asarray(filled[:, :height, :width], np.float32)
