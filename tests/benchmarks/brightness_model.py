"""A model whose classes are levels of brightness: what it finds can be said in advance."""

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from onnx import helper

from misure_onnx.preprocessing import METADATA_KEY
from tests.tiny_models import save_model

GAIN = 400.0


def brightness_model(path: Path, class_names: Sequence[str], size: tuple[int, int], channels: int) -> Path:
    """Class l of L where the first channel, x in [0, 1], lies in [l / L, (l + 1) / L).

    Logits are gain * (l * x - l * (l + 1) / (2 L)): the lines of classes l and l + 1 cross at x = (l + 1) / L. Before
    them stands a layer that class activation maps can look at: (x, 1).
    """
    classes = len(class_names)
    level = np.arange(classes, dtype=np.float32)
    first = np.zeros((2, channels, 1, 1), np.float32)
    first[0, 0] = 1
    second = GAIN * np.stack([level, -level * (level + 1) / (2 * classes)], axis=1)[..., None, None]
    constants = {"first": first, "one": np.array([0, 1], np.float32), "second": second.astype(np.float32)}
    nodes = [
        helper.make_node("Conv", ["image", "first", "one"], ["line"]),
        helper.make_node("Relu", ["line"], ["layer"]),
        helper.make_node("Conv", ["layer", "second"], ["scores"]),
    ]
    declared = {"scale": 1 / 255, "class_names": list(class_names), "output": "logits", "size": list(size)}
    return save_model(
        path,
        nodes,
        input_shape=["N", channels, *size],
        constants=constants,
        metadata={METADATA_KEY: json.dumps(declared)},
    )
