"""Reductions over axes, ArgMax, cumulative sums and TopK."""

from collections.abc import Callable

import torch
from torch import Tensor

from misure_onnx.gradients.torch_bridge.host_values import optional_integers, scalar
from misure_onnx.gradients.torch_bridge.node import Key, Node, Operator

_AXES_AS_INPUT = 18  # since this opset the axes of a reduction are an input; of ReduceSum since 13


def _reduction(function: Callable[..., Tensor], since: int = _AXES_AS_INPUT) -> Operator:
    def operator(node: Node, x: Tensor, axes: Tensor | None = None) -> Tensor:
        chosen = node.integers("axes") if node.opset < since else optional_integers(axes)
        if x.ndim == 0 or (not chosen and node.flag("noop_with_empty_axes")):
            # Nothing is summed, but squares, roots and logarithms are still taken: a reduction over one element.
            return function(x.unsqueeze(-1), (-1,), keep=False)
        return function(x, tuple(chosen or range(x.ndim)), keep=node.flag("keepdims", default=True))

    return operator


def _sum(x: Tensor, axes: tuple[int, ...], *, keep: bool) -> Tensor:
    return x.sum(axes, keepdim=keep, dtype=x.dtype)


def _mean(x: Tensor, axes: tuple[int, ...], *, keep: bool) -> Tensor:
    if x.is_floating_point():
        return x.mean(axes, keepdim=keep)
    return x.double().mean(axes, keepdim=keep).to(x.dtype)


def _max(x: Tensor, axes: tuple[int, ...], *, keep: bool) -> Tensor:
    return torch.amax(x, axes, keepdim=keep)


def _min(x: Tensor, axes: tuple[int, ...], *, keep: bool) -> Tensor:
    return torch.amin(x, axes, keepdim=keep)


def _product(x: Tensor, axes: tuple[int, ...], *, keep: bool) -> Tensor:
    for axis in sorted((axis % x.ndim for axis in axes), reverse=True):
        x = x.prod(axis, keepdim=keep, dtype=x.dtype)
    return x


def _l1(x: Tensor, axes: tuple[int, ...], *, keep: bool) -> Tensor:
    return _sum(x.abs(), axes, keep=keep)


def _l2(x: Tensor, axes: tuple[int, ...], *, keep: bool) -> Tensor:
    """By torch's norm, whose gradient at 0 is 0; that of a square root is not."""
    data = x if x.is_floating_point() else x.double()
    norm: Tensor = torch.linalg.vector_norm(data, dim=axes, keepdim=keep)
    return norm.to(x.dtype)


def _sum_square(x: Tensor, axes: tuple[int, ...], *, keep: bool) -> Tensor:
    return _sum(x * x, axes, keep=keep)


def _log_sum(x: Tensor, axes: tuple[int, ...], *, keep: bool) -> Tensor:
    return torch.log(_sum(x, axes, keep=keep))


def _log_sum_exp(x: Tensor, axes: tuple[int, ...], *, keep: bool) -> Tensor:
    return torch.logsumexp(x, axes, keepdim=keep)


def _arg(function: Callable[..., Tensor]) -> Operator:
    def operator(node: Node, x: Tensor) -> Tensor:
        axis, keep = node.integer("axis", 0), node.flag("keepdims", default=True)
        if not node.flag("select_last_index"):
            return function(x, axis, keepdim=keep)
        return x.shape[axis] - 1 - function(torch.flip(x, [axis]), axis, keepdim=keep)

    return operator


def _cumulative(function: Callable[..., Tensor], start: int) -> Operator:
    """Running sums or products; `exclusive` leaves the element itself out, `reverse` starts at the end."""

    def operator(node: Node, x: Tensor, axis: Tensor) -> Tensor:
        along = int(scalar(axis))
        if node.flag("reverse"):
            x = torch.flip(x, [along])
        if node.flag("exclusive"):
            head = torch.full_like(x.narrow(along, 0, 1), start)
            x = torch.cat([head, x.narrow(along, 0, x.shape[along] - 1)], along)
        result = function(x, along, dtype=x.dtype)
        return torch.flip(result, [along]) if node.flag("reverse") else result

    return operator


def _top_k(node: Node, x: Tensor, k: Tensor | None = None) -> tuple[Tensor, Tensor]:
    """Values and indices; of equal values the one with the lower index comes first, which torch.topk leaves open."""
    count = node.integer("k", 1) if k is None else int(scalar(k))
    axis = node.integer("axis", -1)
    order = torch.sort(x, dim=axis, descending=node.flag("largest", default=True), stable=True).indices
    indices = order.narrow(axis, 0, count)
    return torch.gather(x, axis, indices), indices


OPERATORS: dict[Key, Operator] = {
    ("", "ArgMax"): _arg(torch.argmax),
    ("", "ArgMin"): _arg(torch.argmin),
    ("", "CumProd"): _cumulative(torch.cumprod, 1),
    ("", "CumSum"): _cumulative(torch.cumsum, 0),
    ("", "ReduceL1"): _reduction(_l1),
    ("", "ReduceL2"): _reduction(_l2),
    ("", "ReduceLogSum"): _reduction(_log_sum),
    ("", "ReduceLogSumExp"): _reduction(_log_sum_exp),
    ("", "ReduceMax"): _reduction(_max),
    ("", "ReduceMean"): _reduction(_mean),
    ("", "ReduceMin"): _reduction(_min),
    ("", "ReduceProd"): _reduction(_product),
    ("", "ReduceSum"): _reduction(_sum, 13),
    ("", "ReduceSumSquare"): _reduction(_sum_square),
    ("", "TopK"): _top_k,
}

HOST_INPUTS: dict[Key, tuple[int, ...]] = {
    ("", "CumProd"): (1,),
    ("", "CumSum"): (1,),
    ("", "ReduceL1"): (1,),
    ("", "ReduceL2"): (1,),
    ("", "ReduceLogSum"): (1,),
    ("", "ReduceLogSumExp"): (1,),
    ("", "ReduceMax"): (1,),
    ("", "ReduceMean"): (1,),
    ("", "ReduceMin"): (1,),
    ("", "ReduceProd"): (1,),
    ("", "ReduceSum"): (1,),
    ("", "ReduceSumSquare"): (1,),
    ("", "TopK"): (1,),
}
