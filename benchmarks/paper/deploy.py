"""From a torch network to an ONNX file that says itself how to be used."""

import json
import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import onnx
import torch
from torch import nn

from benchmarks.paper.networks import Recipe
from misure_onnx.preprocessing import METADATA_KEY

OPSET = 17


def deploy(network: nn.Module, path: Path, settings: Recipe, class_names: Sequence[str]) -> None:
    """Writes a trained network that gives logits, with the recipe's preprocessing and the names of its classes."""
    declared = {**settings.preprocessing(), "class_names": list(class_names), "output": "logits"}
    export(network, path, (settings.channels, settings.side, settings.side), declared)


def export(network: nn.Module, path: Path, shape: tuple[int, int, int], declared: Mapping[str, Any]) -> None:
    """Writes a network with a free batch axis and metadata.

    Args:
        network: (N, C, H, W) -> (N, L, H, W).
        path: of the ONNX file.
        shape: (C, H, W) of its input.
        declared: fields of `misure_onnx.Preprocessing`.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the exporter's own; its successor needs another package
        torch.onnx.export(
            network.eval(),
            (torch.zeros(1, *shape),),
            str(path),
            dynamo=False,
            opset_version=OPSET,
            input_names=["image"],
            output_names=["logits"],
            dynamic_axes={"image": {0: "N"}, "logits": {0: "N"}},
        )
    model = onnx.load(path)
    onnx.helper.set_model_props(model, {METADATA_KEY: json.dumps(dict(declared))})
    onnx.checker.check_model(model, full_check=True)
    onnx.save(model, path)
