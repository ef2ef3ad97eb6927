"""Pixels that become blocks of an image, in the ways that ONNX Runtime is quick at."""

from collections.abc import Sequence

import numpy as np

from misure_onnx.gradients.onnx_gradient.rules.separable import repeated
from misure_onnx.graph.writer import GraphWriter


def spread_apart(write: GraphWriter, x: str, size: Sequence[int], strides: Sequence[int]) -> str:
    """(N, C, H, W) -> (N, C, H * strides[0], W * strides[1]): each pixel first in its block, zeros in the rest."""
    kept = np.zeros((1, 1, *(extent * stride for extent, stride in zip(size, strides, strict=True))), np.float32)
    kept[:, :, :: strides[0], :: strides[1]] = 1
    return write.multiply(repeated(write, x, strides), write.constant(kept))


def blocks_laid_out(write: GraphWriter, x: str, shape: Sequence[int], side: int) -> str:
    """(N, side * side * C, H, W) -> (N, C, H * side, W * side): DepthToSpace with mode DCR, in half its time.

    Columns, then rows: ONNX Runtime moves one axis quickly, and two of them slowly.

    Args:
        write: where the nodes go.
        x: the blocks.
        shape: (N, C, H, W).
        side: of a block, in pixels.
    """
    number, channels, height, width = shape
    split = write.reshape(x, [number, side, side, channels, height, width])
    columns = write.transpose(split, [0, 1, 3, 4, 5, 2])
    joined = write.reshape(columns, [number, side, channels, height, width * side])
    rows = write.transpose(joined, [0, 2, 3, 1, 4])
    return write.reshape(rows, [number, channels, height * side, width * side])
