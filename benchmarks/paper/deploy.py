"""From a torch network to an ONNX file that says itself how to be used."""

from collections.abc import Sequence
from pathlib import Path

from torch import nn

from benchmarks.paper.networks import Recipe
from exporters.plain_export import export


def deploy(network: nn.Module, path: Path, settings: Recipe, class_names: Sequence[str]) -> None:
    """Writes a trained network that gives logits, with the recipe's preprocessing and the names of its classes."""
    declared = {**settings.preprocessing(), "class_names": list(class_names), "output": "logits"}
    export(network, path, (settings.channels, settings.side, settings.side), declared)
