"""Interpolation. What ONNX Runtime interpolates is asked of it, axis by axis, as a matrix."""

import numpy as np
from onnx import helper

from misure_onnx.gradients.onnx_gradient.rules.probe import run_node
from misure_onnx.gradients.onnx_gradient.rules.rule import Gradients, Rule
from misure_onnx.gradients.onnx_gradient.rules.separable import along_axes, block_sums
from misure_onnx.gradients.onnx_gradient.site import Site
from misure_onnx.gradients.onnx_gradient.values import Array

_PASSED_ON = (
    "antialias", "coordinate_transformation_mode", "cubic_coeff_a", "exclude_outside", "mode", "nearest_mode",
)  # fmt: skip


def _resize(site: Site) -> Gradients:
    """Y = A_1 .. A_n X, A_a (result, input) acting on axis a: dX = A_1^T .. A_n^T dY."""
    if site.text("coordinate_transformation_mode", "half_pixel") == "tf_crop_and_resize":
        raise site.refusal("coordinate_transformation_mode tf_crop_and_resize")
    if site.text("keep_aspect_ratio_policy", "stretch") != "stretch":
        raise site.refusal("a keep_aspect_ratio_policy other than stretch")
    shape, result = site.shape(), site.result_shape()
    scales = _scales(site)
    changed = [a for a in range(len(shape)) if shape[a] != result[a] or scales[a] not in (1, None)]
    matrices = {axis: _matrix(site, shape[axis], result[axis], scales[axis]) for axis in changed}
    factors = [result[axis] // shape[axis] for axis in range(2, len(shape))]
    if matrices and all(axis >= 2 and _is_blocks(matrix) for axis, matrix in matrices.items()):
        return [block_sums(site.write, site.upstream, factors)]
    turned = {axis: matrix.T for axis, matrix in matrices.items()}
    return [along_axes(site.write, site.upstream, result, turned)]


def _scales(site: Site) -> list[float | None]:
    """The scale of each axis where scales are given; None where sizes are."""
    rank, given = len(site.shape()), site.constant(2)
    scales: list[float | None] = [None] * rank
    if given is None or given.size == 0:
        return scales
    for axis, scale in zip(site.integers("axes", range(rank)), given.tolist(), strict=True):
        scales[axis % rank] = float(scale)
    return scales


def _matrix(site: Site, size: int, result: int, scale: float | None) -> Array:
    """The interpolation (result, size) along one axis: the node applied to the columns of the identity."""
    names = ["x", "", "", "sizes"] if scale is None else ["x", "", "scales"]
    attributes = {a.name: a for a in site.node.attribute if a.name in _PASSED_ON}
    node = helper.make_node("Resize", names, ["y"])
    node.attribute.extend(attributes.values())
    constants: dict[str, Array] = (
        {"sizes": np.array([1, 1, size, result], np.int64)}
        if scale is None
        else {"scales": np.array([1, 1, 1, scale], np.float32)}
    )
    identity = np.eye(size, dtype=np.float32)[None, None]
    columns: Array = run_node(site, node, identity, constants)[0, 0]
    return columns.T


def _is_blocks(matrix: Array) -> bool:
    """Whether every input pixel becomes a block of equally many result pixels."""
    result, size = matrix.shape
    return result % size == 0 and np.array_equal(matrix, np.repeat(np.eye(size), result // size, axis=0))


RULES: dict[str, Rule] = {
    "Resize": _resize,
}
