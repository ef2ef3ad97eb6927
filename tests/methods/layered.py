"""A model whose layer, and what its scores make of it, is known by hand."""

from pathlib import Path

import numpy as np
import numpy.typing as npt
from onnx import helper

from tests.tiny_models import Array, save_model

SIZE, STEP = (20, 24), 4
WEIGHTS = np.array([1.5, -0.5, 2.0])
"""c: the logit of class 1 at a pixel is c . A - 1.5 of its block."""


def layered(path: Path, *, ending: str = "logits") -> Path:
    """A = relu of the means of 4x4 blocks, each channel for itself; logits (0, c . A - 1.5), constant in a block."""
    constants: dict[str, Array] = {
        "up": np.array([1, 1, STEP, STEP], np.float32),
        "c": np.stack([np.zeros(3), WEIGHTS]).astype(np.float32)[..., None, None],
        "b": np.array([0, -1.5], np.float32),
    }
    nodes = [
        helper.make_node("AveragePool", ["image"], ["blocks"], kernel_shape=[STEP] * 2, strides=[STEP] * 2),
        helper.make_node("Relu", ["blocks"], ["maps"]),
        helper.make_node("Resize", ["maps", "", "up"], ["grown"], mode="nearest"),
        helper.make_node("Conv", ["grown", "c", "b"], ["logits" if ending == "softmax" else "scores"]),
    ]
    if ending == "softmax":
        nodes.append(helper.make_node("Softmax", ["logits"], ["scores"], axis=1))
    return save_model(path, nodes, input_shape=["N", 3, *SIZE], constants=constants)


def maps_of(image: npt.NDArray[np.float32]) -> npt.NDArray[np.float64]:
    """A (3, h, w) of an image (1, 3, H, W)."""
    height, width = SIZE[0] // STEP, SIZE[1] // STEP
    return np.asarray(np.maximum(image[0].reshape(3, height, STEP, width, STEP).mean(axis=(2, 4)), 0), np.float64)


def counts(region: npt.NDArray[np.bool_]) -> npt.NDArray[np.float64]:
    """n (h, w): pixels of a region in each block; dS/dA_k = c_k * n for S the sum over the region."""
    height, width = SIZE[0] // STEP, SIZE[1] // STEP
    return np.asarray(region.reshape(height, STEP, width, STEP).sum(axis=(1, 3)), np.float64)


def blocky_image(seed: int = 0) -> npt.NDArray[np.uint8]:
    """Random blocks with a little noise: some of class 1, some not."""
    rng = np.random.default_rng(seed)
    blocks = rng.integers(0, 256, (SIZE[0] // STEP, SIZE[1] // STEP, 3)).repeat(STEP, axis=0).repeat(STEP, axis=1)
    return np.asarray(np.clip(blocks + rng.integers(-9, 10, blocks.shape), 0, 255), np.uint8)
