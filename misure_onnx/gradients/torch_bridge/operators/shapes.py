"""Operators that move data or describe it: reshape, transpose, concatenate, split, slice, repeat."""

import math
from collections.abc import Sequence

import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812 - torch's own abbreviation
from torch import Tensor

from misure_onnx.gradients.torch_bridge.element_types import carrier
from misure_onnx.gradients.torch_bridge.host_values import integers, optional_integers, scalar
from misure_onnx.gradients.torch_bridge.node import Key, Node, Operator

_AXES_AS_INPUT = 13


def _shape(node: Node, x: Tensor) -> Tensor:
    """The sizes, from `start` to `end`, on the CPU."""
    return torch.tensor(list(x.shape)[node.attributes.get("start") : node.attributes.get("end")], dtype=torch.int64)


def _size(_node: Node, x: Tensor) -> Tensor:
    return torch.tensor(x.numel())


def _constant_of_shape(node: Node, shape: Tensor) -> Tensor:
    value = node.attributes.get("value", torch.zeros(1))
    return torch.full(integers(shape), scalar(value), dtype=value.dtype)


def _range(_node: Node, start: Tensor, limit: Tensor, delta: Tensor) -> Tensor:
    first, last, step = (scalar(value.detach()) for value in (start, limit, delta))  # the gradient is kept below
    count = max(math.ceil((last - first) / step), 0)
    return start + torch.arange(count, device=start.device).to(start.dtype) * delta


def _eye_like(node: Node, x: Tensor) -> Tensor:
    dtype = carrier(node.integer("dtype", 0)) if "dtype" in node.attributes else x.dtype
    y = torch.zeros(x.shape, dtype=dtype, device=x.device)
    y.diagonal(node.integer("k", 0)).fill_(1)
    return y


def _reshape(node: Node, x: Tensor, shape: Tensor) -> Tensor:
    """A 0 copies the input's size, unless `allowzero` makes it a size."""
    sizes = integers(shape)
    if not node.flag("allowzero"):
        sizes = [size or x.shape[k] for k, size in enumerate(sizes)]
    return x.reshape(sizes)


def _flatten(node: Node, x: Tensor) -> Tensor:
    """Two axes: all before `axis`, and the rest."""
    axis = node.integer("axis", 1)
    axis = axis + x.ndim if axis < 0 else axis
    return x.reshape(math.prod(x.shape[:axis]), math.prod(x.shape[axis:]))


def _squeeze(node: Node, x: Tensor, axes: Tensor | None = None) -> Tensor:
    chosen = node.integers("axes") if node.opset < _AXES_AS_INPUT else optional_integers(axes)
    return x.squeeze() if chosen is None else x.squeeze(tuple(chosen))


def _unsqueeze(node: Node, x: Tensor, axes: Tensor | None = None) -> Tensor:
    chosen = (node.integers("axes") if node.opset < _AXES_AS_INPUT else optional_integers(axes)) or []
    rank = x.ndim + len(chosen)
    for axis in sorted(axis % rank for axis in chosen):
        x = x.unsqueeze(axis)
    return x


def _transpose(node: Node, x: Tensor) -> Tensor:
    return x.permute(node.integers("perm") or list(range(x.ndim))[::-1])


def _concat(node: Node, *inputs: Tensor) -> Tensor:
    return torch.cat(inputs, node.integer("axis", 1))


def _split(node: Node, x: Tensor, split: Tensor | None = None) -> tuple[Tensor, ...]:
    """Sizes are given (an attribute before opset 13), or equal with a smaller last one."""
    axis = node.integer("axis", 0)
    sizes = node.integers("split") if split is None else integers(split)
    if sizes is None:
        parts = node.integer("num_outputs", len(node.outputs))
        part = -(-x.shape[axis] // parts)
        sizes = [max(min(part, x.shape[axis] - k * part), 0) for k in range(parts)]
    return torch.split(x, sizes, axis)


def _slice(  # noqa: PLR0917 - the order of inputs is ONNX's
    node: Node,
    x: Tensor,
    starts: Tensor | None = None,
    ends: Tensor | None = None,
    axes: Tensor | None = None,
    steps: Tensor | None = None,
) -> Tensor:
    """Python's slices, clamped to the data; before opset 10 the bounds are attributes."""
    arguments = (starts, ends, axes, steps)
    if node.opset < 10:
        first, last, along, by = (node.integers(name) for name in ("starts", "ends", "axes", "steps"))
    else:
        first, last, along, by = (optional_integers(argument) for argument in arguments)
    first, last = first or [], last or []
    along = along if along is not None else list(range(len(first)))
    for axis, start, end, step in zip(along, first, last, by or [1] * len(first), strict=True):
        x = _sliced(x, axis, start, end, step)
    return x


def _sliced(x: Tensor, axis: int, start: int, end: int, step: int) -> Tensor:
    size = x.shape[axis]
    chosen = range(size)[start:end:step]
    if step < 0:
        return x.index_select(axis, torch.tensor(list(chosen), dtype=torch.int64, device=x.device))
    if len(chosen) == size:
        return x
    view = x.narrow(axis, chosen.start, max(chosen.stop - chosen.start, 0))
    return view if step == 1 else _every(view, axis, step)


def _every(x: Tensor, axis: int, step: int) -> Tensor:
    """Every step-th element along an axis."""
    index = [slice(None)] * x.ndim
    index[axis] = slice(None, None, step)
    return x[tuple(index)]


def _expand(_node: Node, x: Tensor, shape: Tensor) -> Tensor:
    """Broadcast both ways: a 1 in the shape keeps the data's own size."""
    return x.expand(np.broadcast_shapes(tuple(x.shape), tuple(integers(shape))))


def _tile(_node: Node, x: Tensor, repeats: Tensor) -> Tensor:
    return x.tile(integers(repeats))


def _depth_to_space(node: Node, x: Tensor) -> Tensor:
    """(N, C b b, H, W) -> (N, C, H b, W b); in mode CRD the block's place changes fastest."""
    block = node.integer("blocksize", 1)
    if node.text("mode", "DCR") == "CRD":
        return F.pixel_shuffle(x, block)
    n, c, h, w = x.shape
    parts = x.reshape(n, block, block, c // block**2, h, w).permute(0, 3, 4, 1, 5, 2)
    return parts.reshape(n, c // block**2, h * block, w * block)


def _space_to_depth(node: Node, x: Tensor) -> Tensor:
    """(N, C, H b, W b) -> (N, C b b, H, W)."""
    block = node.integer("blocksize", 1)
    if node.text("mode", "DCR") == "CRD":
        return F.pixel_unshuffle(x, block)
    n, c, h, w = x.shape
    parts = x.reshape(n, c, h // block, block, w // block, block).permute(0, 3, 5, 1, 2, 4)
    return parts.reshape(n, c * block**2, h // block, w // block)


def _reverse_sequence(node: Node, x: Tensor, lengths: Tensor) -> Tensor:
    """Turns the first `lengths[i]` elements along the time axis around, for every entry of the batch."""
    axes: Sequence[int] = (node.integer("batch_axis", 1), node.integer("time_axis", 0))
    front = x.movedim(tuple(axes), (0, 1))
    time = torch.arange(front.shape[1], device=x.device)
    ends = lengths.to(x.device)[:, None]
    order = torch.where(time < ends, ends - 1 - time, time)
    rows = torch.arange(front.shape[0], device=x.device)[:, None]
    return front[rows, order].movedim((0, 1), tuple(axes))


OPERATORS: dict[Key, Operator] = {
    ("", "Concat"): _concat,
    ("", "ConstantOfShape"): _constant_of_shape,
    ("", "DepthToSpace"): _depth_to_space,
    ("", "Expand"): _expand,
    ("", "EyeLike"): _eye_like,
    ("", "Flatten"): _flatten,
    ("", "Range"): _range,
    ("", "Reshape"): _reshape,
    ("", "ReverseSequence"): _reverse_sequence,
    ("", "Shape"): _shape,
    ("", "Size"): _size,
    ("", "Slice"): _slice,
    ("", "SpaceToDepth"): _space_to_depth,
    ("", "Split"): _split,
    ("", "Squeeze"): _squeeze,
    ("", "Tile"): _tile,
    ("", "Transpose"): _transpose,
    ("", "Unsqueeze"): _unsqueeze,
}

HOST_INPUTS: dict[Key, tuple[int, ...]] = {
    ("", "ConstantOfShape"): (0,),
    ("", "Expand"): (1,),
    ("", "Range"): (0, 1, 2),
    ("", "Reshape"): (1,),
    ("", "Slice"): (1, 2, 3, 4),
    ("", "Split"): (1,),
    ("", "Squeeze"): (1,),
    ("", "Tile"): (1,),
    ("", "Unsqueeze"): (1,),
}
