"""Gathering, scattering and selecting by index or condition."""

import math
from types import MappingProxyType

import torch
from torch import Tensor

from misure_onnx.gradients.torch_bridge.host_values import scalar
from misure_onnx.gradients.torch_bridge.node import Key, Node, Operator

_SCATTER_REDUCTIONS = MappingProxyType({"add": "sum", "mul": "prod", "max": "amax", "min": "amin"})


def _from_the_front(indices: Tensor, size: int | Tensor) -> Tensor:
    """Indices as int64; a negative one counts from the end."""
    indices = indices.long()
    return torch.where(indices < 0, indices + size, indices)


def _gather(node: Node, x: Tensor, indices: Tensor) -> Tensor:
    """Whole slices along one axis: x (..., size, ...) -> (..., *indices.shape, ...)."""
    axis = node.integer("axis", 0) % x.ndim
    chosen = _from_the_front(indices, x.shape[axis])
    y = x.index_select(axis, chosen.reshape(-1))
    return y.reshape((*x.shape[:axis], *indices.shape, *x.shape[axis + 1 :]))


def _gather_elements(node: Node, x: Tensor, indices: Tensor) -> Tensor:
    axis = node.integer("axis", 0)
    return torch.gather(x, axis, _from_the_front(indices, x.shape[axis]))


def _gather_nd(node: Node, x: Tensor, indices: Tensor) -> Tensor:
    """The last axis of the indices addresses the axes of x after the first `batch_dims`, which both share."""
    batch, depth = node.integer("batch_dims", 0), indices.shape[-1]
    sizes = torch.tensor(x.shape[batch : batch + depth], device=indices.device)
    places = _from_the_front(indices, sizes).reshape(math.prod(x.shape[:batch]), -1, depth)
    data = x.reshape(-1, *x.shape[batch:])
    rows = torch.arange(data.shape[0], device=x.device)[:, None].expand(places.shape[:2])
    picked = data[(rows, *places.unbind(-1))]
    return picked.reshape((*x.shape[:batch], *indices.shape[batch:-1], *x.shape[batch + depth :]))


def _scatter_elements(node: Node, x: Tensor, indices: Tensor, updates: Tensor) -> Tensor:
    axis = node.integer("axis", 0)
    places = _from_the_front(indices, x.shape[axis])
    reduction = node.text("reduction", "none")
    if reduction == "none":
        return x.scatter(axis, places, updates)
    return x.scatter_reduce(axis, places, updates, _SCATTER_REDUCTIONS[reduction], include_self=True)


def _scatter_nd(node: Node, x: Tensor, indices: Tensor, updates: Tensor) -> Tensor:
    """The last axis of the indices addresses the leading axes of x, as one flat axis here."""
    depth = indices.shape[-1]
    leading, rest = list(x.shape[:depth]), list(x.shape[depth:])
    strides = torch.tensor([math.prod(leading[k + 1 :]) for k in range(depth)], device=indices.device)
    places = _from_the_front(indices, torch.tensor(leading, device=indices.device))
    flat = (places * strides).sum(-1).reshape(-1)
    data = x.reshape(math.prod(leading), math.prod(rest))
    values = updates.reshape(flat.numel(), math.prod(rest))
    reduction = node.text("reduction", "none")
    if reduction == "none":
        return data.index_copy(0, flat, values).reshape(x.shape)
    rows = flat[:, None].expand_as(values)
    return data.scatter_reduce(0, rows, values, _SCATTER_REDUCTIONS[reduction], include_self=True).reshape(x.shape)


def _tensor_scatter(node: Node, past: Tensor, update: Tensor, starts: Tensor | None = None) -> Tensor:
    """TensorScatter: writes new tokens into a cache (N, ..., tokens, ...), from each entry's start on."""
    axis = node.integer("axis", -2) % past.ndim
    length, size = update.shape[axis], past.shape[axis]
    first = torch.zeros(past.shape[0], dtype=torch.int64) if starts is None else starts.long()
    places = first.to(past.device)[:, None] + torch.arange(length, device=past.device)
    if node.text("mode", "linear") == "circular":
        places = places % size
    shape = [1] * past.ndim
    shape[0], shape[axis] = past.shape[0], length
    return past.scatter(axis, places.reshape(shape).expand_as(update), update)


def _non_zero(_node: Node, x: Tensor) -> Tensor:
    return torch.nonzero(x).t()


def _compress(node: Node, x: Tensor, condition: Tensor) -> Tensor:
    """Slices along an axis (of the flat tensor without one) where the condition holds."""
    axis = node.attributes.get("axis")
    chosen = condition.bool().nonzero().reshape(-1)
    return x.reshape(-1).index_select(0, chosen) if axis is None else x.index_select(int(axis), chosen)


def _one_hot(node: Node, indices: Tensor, depth: Tensor, values: Tensor) -> Tensor:
    """values = (off, on); indices out of range give a row of off."""
    count, axis = int(scalar(depth)), node.integer("axis", -1)
    hot = _from_the_front(indices, count).unsqueeze(-1) == torch.arange(count, device=indices.device)
    off, on = values.unbind(0)
    return torch.where(hot.movedim(-1, axis), on, off)


def _unique(node: Node, x: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Unique values (flat, or slices along an axis), first places, inverse places and counts."""
    axis = node.attributes.get("axis")
    data = x.reshape(-1) if axis is None else x
    along = 0 if axis is None else int(axis)
    values, inverse, counts = torch.unique(data, sorted=True, return_inverse=True, return_counts=True, dim=along)
    positions = torch.arange(inverse.numel(), device=x.device)
    first = torch.full_like(counts, inverse.numel()).scatter_reduce(0, inverse, positions, "amin")
    if node.flag("sorted", default=True):
        return values, first, inverse, counts
    order = first.argsort()
    return values.index_select(along, order), first[order], order.argsort()[inverse], counts[order]


OPERATORS: dict[Key, Operator] = {
    ("", "Compress"): _compress,
    ("", "Gather"): _gather,
    ("", "GatherElements"): _gather_elements,
    ("", "GatherND"): _gather_nd,
    ("", "NonZero"): _non_zero,
    ("", "OneHot"): _one_hot,
    ("", "Scatter"): _scatter_elements,
    ("", "ScatterElements"): _scatter_elements,
    ("", "ScatterND"): _scatter_nd,
    ("", "TensorScatter"): _tensor_scatter,
    ("", "Unique"): _unique,
}

HOST_INPUTS: dict[Key, tuple[int, ...]] = {("", "OneHot"): (1,)}

DATA_DEPENDENT_SHAPE: frozenset[Key] = frozenset({("", "Compress"), ("", "NonZero"), ("", "Unique")})
