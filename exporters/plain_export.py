"""A torch network of one input and one output as an ONNX file that says itself how to be used."""

import json
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import onnx
import torch
from torch import nn

from misure_onnx.preprocessing import METADATA_KEY

OPSET = 17


def export(
    network: nn.Module,
    path: Path,
    shape: tuple[int, int, int],
    declared: Mapping[str, Any],
    ignored: type[Warning] = Warning,
) -> None:
    """Writes a network with a free batch axis, its normalisations folded into the convolutions, and metadata.

    Args:
        network: (N, C, H, W) -> logits (N, L, H, W).
        path: of the ONNX file.
        shape: (C, H, W) of its input.
        declared: fields of `misure_onnx.Preprocessing`.
        ignored: the kind of the exporter's warnings that are not passed on.
    """
    with warnings.catch_warnings():
        # The successor of this exporter needs another package and writes a larger graph.
        warnings.simplefilter("ignore", ignored)
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
