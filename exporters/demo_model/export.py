"""The network as an ONNX file that says itself how to be used, checked against the network."""

from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from exporters import plain_export
from exporters.demo_model.unet import UNet
from misure_onnx.segmenter import Segmenter

CLASS_NAMES = ("background", "triangle")

PARITY_TOLERANCE = 1e-4
"""Largest deviation allowed between the two runtimes, relative to the largest absolute logit."""


def export(network: UNet, path: Path, size: int) -> None:
    """Writes the network with a free batch axis, its normalisations folded into the convolutions, and metadata."""
    plain_export.export(network, path, (3, size, size), _declaration(size), ignored=DeprecationWarning)


def parity(network: UNet, segmenter: Segmenter, images: Tensor) -> float:
    """The largest deviation between torch and the deployed file, relative to the largest absolute logit.

    Raises:
        RuntimeError: it is above `PARITY_TOLERANCE`.
    """
    with torch.inference_mode():
        expected = network(images).numpy()
    given = segmenter.predict(np.ascontiguousarray(images.numpy()))
    deviation = float(np.abs(given - expected).max() / np.abs(expected).max())
    if deviation > PARITY_TOLERANCE:
        raise RuntimeError(f"the exported file deviates from the network by {deviation:.2e} > {PARITY_TOLERANCE}")
    return deviation


def _declaration(size: int) -> dict[str, object]:
    """The fields of `misure_onnx.preprocessing.Preprocessing`."""
    return {
        "scale": 1 / 255,
        "mean": [0, 0, 0],
        "std": [1, 1, 1],
        "color": "RGB",
        "layout": "NCHW",
        "size": [size, size],
        "class_names": list(CLASS_NAMES),
        "output": "logits",
    }
