"""How the bundled files came about, as JSON beside them."""

import dataclasses
import platform
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from benchmarks.datasets.triangle import Triangle
from exporters.demo_model.train import Settings
from misure_onnx.file_hash import sha256_of
from misure_onnx.installed import versions_of

_PACKAGES = ("numpy", "onnx", "opencv-python-headless", "scikit-learn", "torch")


def record(
    *,
    command: str,
    settings: Settings,
    network: torch.nn.Module,
    scenes: tuple[Triangle, Triangle],
    dice: npt.NDArray[np.float64],
    parity: float,
    picture_index: int,
    seconds: float,
    files: Iterable[Path],
) -> dict[str, Any]:
    """Everything that is needed to repeat the training, and what came out."""
    training, validation = scenes
    return {
        "command": command,
        "settings": dataclasses.asdict(settings),
        "scenes": {"training": _described(training), "validation": _described(validation)},
        "epochs": 1,
        "parameters": sum(parameter.numel() for parameter in network.parameters()),
        "validation_dice": {
            "images": len(dice),
            "mean": round(float(dice.mean()), 5),
            "minimum": round(float(dice.min()), 5),
            "share_from_0.9": round(float((dice >= 0.9).mean()), 5),
        },
        "largest_relative_deviation_from_torch": parity,
        "picture": {"validation_index": picture_index, "dice": round(float(dice[picture_index]), 5)},
        "training_seconds": round(seconds),
        "threads": torch.get_num_threads(),
        "versions": _versions(),
        "sha256": {path.name: sha256_of(path) for path in files},
    }


def _described(scenes: Triangle) -> dict[str, Any]:
    parameters = {f.name: getattr(scenes, f.name) for f in dataclasses.fields(scenes) if f.name != "source"}
    return {"source": scenes.source.name, "source_objects": len(scenes.source), **parameters}


def _versions() -> dict[str, str]:
    import onnxruntime  # noqa: PLC0415 - its package has several names, the module knows its version

    return {"python": platform.python_version(), "onnxruntime": onnxruntime.__version__, **versions_of(_PACKAGES)}
