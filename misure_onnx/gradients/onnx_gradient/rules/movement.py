"""Operators that move values and compute none."""

import numpy as np
import onnx

from misure_onnx.gradients.onnx_gradient.rules.pixel_blocks import blocks_laid_out
from misure_onnx.gradients.onnx_gradient.rules.probe import run_node
from misure_onnx.gradients.onnx_gradient.rules.rule import Gradients, Rule
from misure_onnx.gradients.onnx_gradient.site import Site, axis_of, product


def _reshape(site: Site) -> Gradients:
    return [site.write.reshape(site.upstream, site.shape())]


def _transpose(site: Site) -> Gradients:
    order = site.integers("perm") or list(range(len(site.shape())))[::-1]
    return [site.write.transpose(site.upstream, [int(axis) for axis in np.argsort(order)])]


def _expand(site: Site) -> Gradients:
    return [site.summed_to(site.upstream, 0)]


def _concat(site: Site) -> Gradients:
    axis, start = axis_of(site), 0
    gradients: Gradients = []
    for k in range(len(site.node.input)):
        size = site.shape(k)[axis]
        gradients.append(site.write.slice(site.upstream, start, start + size, axis) if site.needs(k) else None)
        start += size
    return gradients


def _split(site: Site) -> Gradients:
    parts = [
        upstream or site.write.constant(np.zeros(site.result_shape(k), np.float32))
        for k, upstream in enumerate(site.upstreams)
    ]
    return [site.write.node("Concat", *parts, axis=axis_of(site, 0))]


def _slice(site: Site) -> Gradients:
    """Contiguous ranges are padded back; steps go by the indices."""
    starts, stops = site.required(1).tolist(), site.required(2).tolist()
    axes, steps = site.constant(3), site.constant(4)
    if steps is not None and any(step != 1 for step in steps.tolist()):
        return _by_index(site)
    shape = site.shape()
    before, after = [0] * len(shape), [0] * len(shape)
    listed = range(len(starts)) if axes is None else axes.tolist()
    for axis, start, stop in zip((a % len(shape) for a in listed), starts, stops, strict=True):
        first, last, _ = slice(start, stop).indices(shape[axis])
        before[axis], after[axis] = first, shape[axis] - max(last, first)
    return [site.write.pad(site.upstream, before, after)]


def _pad(site: Site) -> Gradients:
    pads = [int(value) for value in site.required(1)]
    if site.text("mode", "constant") != "constant" or min(pads) < 0:
        return _by_index(site)
    axes, rank = site.constant(3), len(site.shape())
    gradient = site.upstream
    listed = range(rank) if axes is None else axes.tolist()
    for axis, before, after in zip(
        (a % rank for a in listed), pads[: len(pads) // 2], pads[len(pads) // 2 :], strict=True
    ):
        if before or after:
            gradient = site.write.slice(gradient, before, before + site.shape()[axis], axis)
    return [gradient]


def _gather(site: Site) -> Gradients:
    """One index is padded back, a permutation undone; others go by the index of every element."""
    indices, axis, shape = site.required(1), axis_of(site, 0), site.shape()
    positions = indices % shape[axis]
    if indices.ndim == 0:
        kept = [1 if i == axis else size for i, size in enumerate(shape)]
        before = [int(positions) if i == axis else 0 for i in range(len(shape))]
        after = [size - 1 - b if i == axis else 0 for i, (size, b) in enumerate(zip(shape, before, strict=True))]
        return [site.write.pad(site.write.reshape(site.upstream, kept), before, after)]
    if indices.ndim == 1 and sorted(positions.tolist()) == list(range(shape[axis])):
        back = site.write.integers([int(position) for position in np.argsort(positions)])
        return [site.write.node("Gather", site.upstream, back, axis=axis)]
    return _by_index(site)


def _depth_to_space(site: Site) -> Gradients:
    if site.text("mode", "DCR") != "DCR":
        return _by_index(site)
    return [site.write.node("SpaceToDepth", site.upstream, blocksize=site.integer("blocksize", 1))]


def _space_to_depth(site: Site) -> Gradients:
    side, (number, channels, height, width) = site.integer("blocksize", 1), site.shape()
    return [blocks_laid_out(site.write, site.upstream, [number, channels, height // side, width // side], side)]


def _scatter_nd(site: Site) -> Gradients:
    if site.text("reduction", "none") != "none" or site.needs(1):
        raise site.refusal("a reduction, or indices that depend on the image")
    w, zeros = site.write, np.zeros(site.shape(2), np.float32)
    kept = w.node("ScatterND", site.upstream, site.input(1), w.constant(zeros)) if site.needs(0) else None
    return [kept, None, w.node("GatherND", site.upstream, site.input(1)) if site.needs(2) else None]


def _by_index(site: Site) -> Gradients:
    """Any movement by constants: the numbers 1, 2, ... are moved once, which tells where each value comes from.

    Where every value goes to one place at most, the gradient is gathered, which is faster than adding up.
    """
    w, shape = site.write, site.shape()
    count = product(shape)
    numbered = np.arange(1, count + 1, dtype=np.float64).reshape(shape)
    constants = {site.input(k): site.required(k) for k in range(1, len(site.node.input)) if site.has(k)}
    if site.node.op_type == "Pad" and site.has(2):
        constants[site.input(2)] = np.zeros(site.required(2).shape)
    node = onnx.NodeProto()
    node.CopyFrom(site.node)
    sources = run_node(site, node, numbered, constants).astype(np.int64).reshape(-1) - 1  # -1: a zero of Pad
    flat = w.reshape(site.upstream, [-1])
    used = sources[sources >= 0]
    if len(np.unique(used)) == len(used):
        places = np.full(count, len(sources), np.int64)
        places[used] = np.flatnonzero(sources >= 0)
        with_zero = w.node("Concat", flat, w.constant(np.zeros(1, np.float32)), axis=0)
        return [w.reshape(w.node("Gather", with_zero, w.constant(places), axis=0), shape)]
    zeros = w.expand(w.constant(np.zeros(1, np.float32)), [count + 1])
    places = np.where(sources >= 0, sources, count)
    added = w.node("ScatterElements", zeros, w.constant(places), flat, axis=0, reduction="add")
    return [w.reshape(w.slice(added, 0, count, 0), shape)]


RULES: dict[str, Rule] = {
    "Concat": _concat,
    "DepthToSpace": _depth_to_space,
    "Expand": _expand,
    "Flatten": _reshape,
    "Gather": _gather,
    "GatherElements": _by_index,
    "GatherND": _by_index,
    "Pad": _pad,
    "Reshape": _reshape,
    "ScatterND": _scatter_nd,
    "Slice": _slice,
    "SpaceToDepth": _space_to_depth,
    "Split": _split,
    "Squeeze": _reshape,
    "Tile": _by_index,
    "Transpose": _transpose,
    "Trilu": _by_index,
    "Unsqueeze": _reshape,
}
