"""How torch networks become ONNX files: both exporters, old and new opsets, fixed and free batch, half precision."""

import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import torch
from torch import Tensor, nn

from benchmarks.coverage.subject import Precision

Exporter = Literal["legacy", "dynamo"]


@dataclass(frozen=True)
class Export:
    """One way to export.

    Attributes:
        exporter: torch.onnx.export's older (TorchScript) or newer (torch.export) one.
        opset: asked for.
        precision: of weights and input; int8 files are quantised after a float32 export.
        free_batch: whether the batch axis is left free; else it is 1.
    """

    exporter: Exporter
    opset: int
    precision: Precision = "fp32"
    free_batch: bool = True

    @property
    def dtype(self) -> torch.dtype:
        """Torch's name of the precision."""
        return torch.float16 if self.precision == "fp16" else torch.float32


EXPORTS: dict[str, Export] = {
    "legacy-13": Export("legacy", 13, free_batch=False),
    "legacy-17": Export("legacy", 17),
    "legacy-17-fp16": Export("legacy", 17, "fp16", free_batch=False),
    "dynamo-18": Export("dynamo", 18),
    "dynamo-20": Export("dynamo", 20, free_batch=False),
    "dynamo-23": Export("dynamo", 23),
    "legacy-9": Export("legacy", 9, free_batch=False),
    "dynamo-25": Export("dynamo", 25),
    "dynamo-20-fp16": Export("dynamo", 20, "fp16"),
    "legacy-17-int8": Export("legacy", 17, "int8"),
}

USUAL = ("legacy-17", "dynamo-18", "dynamo-20")
WIDE = ("legacy-13", "legacy-17-fp16", "dynamo-23")
FURTHER = ("legacy-9", "dynamo-25", "dynamo-20-fp16", "legacy-17-int8")
"""Oldest and newest opsets, half precision from the newer exporter, and a quantised file."""


def export(network: nn.Module, images: Tensor, way: Export, path: Path) -> None:
    """Writes one file; network and images already have the way's precision."""
    example = images if way.free_batch else images[:1]
    options: dict[str, Any] = {"opset_version": way.opset, "dynamo": way.exporter == "dynamo", "input_names": ["image"]}
    with warnings.catch_warnings(), torch.no_grad():
        warnings.simplefilter("ignore")  # the exporters' own
        if way.exporter == "legacy":
            axes = {"image": {0: "batch"}} if way.free_batch else None
            torch.onnx.export(network, (example,), path, dynamic_axes=axes, **options)
            return
        options |= {"external_data": False, "verbose": False}
        if not way.free_batch:
            torch.onnx.export(network, (example,), path, **options)
            return
        try:
            torch.onnx.export(
                network, (example,), path, dynamic_shapes=({0: torch.export.Dim("batch", max=64)},), **options
            )
        except Exception:  # noqa: BLE001 - the exporter raises many kinds; a network may specialise the axis
            torch.onnx.export(network, (example,), path, dynamic_shapes=({0: torch.export.Dim.AUTO},), **options)
