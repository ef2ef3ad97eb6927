"""The network as an ONNX file that says itself how to be used, checked against the network."""

import json
import warnings
from pathlib import Path

import numpy as np
import onnx
import torch
from torch import Tensor

from exporters.demo_model.unet import UNet
from misure_onnx.preprocessing import METADATA_KEY
from misure_onnx.segmenter import Segmenter

OPSET = 17

CLASS_NAMES = ("background", "triangle")

PARITY_TOLERANCE = 1e-4
"""Largest deviation allowed between the two runtimes, relative to the largest absolute logit."""


def export(network: UNet, path: Path, size: int) -> None:
    """Writes the network with a free batch axis, its normalisations folded into the convolutions, and metadata."""
    with warnings.catch_warnings():
        # The successor of this exporter needs another package and writes a larger graph.
        warnings.simplefilter("ignore", DeprecationWarning)
        torch.onnx.export(
            network.eval(),
            (torch.zeros(1, 3, size, size),),
            str(path),
            dynamo=False,
            opset_version=OPSET,
            input_names=["image"],
            output_names=["logits"],
            dynamic_axes={"image": {0: "N"}, "logits": {0: "N"}},
        )
    model = onnx.load(path)
    onnx.helper.set_model_props(model, {METADATA_KEY: json.dumps(_declaration(size))})
    onnx.checker.check_model(model, full_check=True)
    onnx.save(model, path)


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
