"""Linear maps that act on every axis for itself: interpolation, averaging."""

from collections.abc import Mapping, Sequence

import numpy as np

from misure_onnx.gradients.onnx_gradient.site import product
from misure_onnx.graph.writer import Array, GraphWriter


def along_axes(write: GraphWriter, x: str, shape: Sequence[int], matrices: Mapping[int, Array]) -> str:
    """Applies a matrix (new, old) to each of some axes of x; the one that shrinks most goes first."""
    sizes = list(shape)
    order = sorted(matrices, key=lambda axis: matrices[axis].shape[0] / matrices[axis].shape[1])
    for axis in order:
        x = _along(write, x, sizes, axis, matrices[axis].astype(np.float32))
        sizes[axis] = matrices[axis].shape[0]
    return x


def _along(write: GraphWriter, x: str, sizes: Sequence[int], axis: int, matrix: Array) -> str:
    if axis == len(sizes) - 1:
        return write.node("MatMul", x, write.constant(matrix.T))
    if axis == len(sizes) - 2:
        return write.node("MatMul", write.constant(matrix), x)
    merged = write.reshape(x, [*sizes[: axis + 1], product(sizes[axis + 1 :])])
    mapped = write.node("MatMul", write.constant(matrix), merged)
    return write.reshape(mapped, [*sizes[:axis], matrix.shape[0], *sizes[axis + 1 :]])


def repeated(write: GraphWriter, x: str, factors: Sequence[int]) -> str:
    """Every pixel of (N, C, ...) becomes a block of `factors` pixels."""
    scales = write.constant(np.array([1, 1, *factors], np.float32))
    return write.node(
        "Resize", x, "", scales, mode="nearest", coordinate_transformation_mode="asymmetric", nearest_mode="floor"
    )


def block_sums(write: GraphWriter, x: str, factors: Sequence[int]) -> str:
    """Sums over blocks of `factors` pixels of (N, C, ...): AveragePool is ONNX Runtime's fastest way to them."""
    means = write.node("AveragePool", x, kernel_shape=list(factors), strides=list(factors))
    return write.scaled(means, product(factors))
