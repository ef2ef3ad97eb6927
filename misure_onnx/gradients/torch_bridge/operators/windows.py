"""Sliding windows of convolutions and pools: strides, dilations and paddings of every ONNX spelling."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from misure_onnx.gradients.torch_bridge.node import Node

Pads: TypeAlias = list[tuple[int, int]]
"""(before, after) of every axis in order; a negative number cuts."""


@dataclass(frozen=True, slots=True)
class Window:
    """One number, or one pair of paddings, for each of the n axes after N and C."""

    kernel: list[int]
    strides: list[int]
    dilations: list[int]
    pads: Pads

    @property
    def symmetric(self) -> bool:
        """Whether torch can pad by itself: the same number on both sides."""
        return all(before == after >= 0 for before, after in self.pads)

    @property
    def heads(self) -> list[int]:
        """Paddings before the data."""
        return [before for before, _ in self.pads]


def window_of(node: Node, sizes: Sequence[int], kernel: Sequence[int]) -> Window:
    """The window a node slides over data of these sizes."""
    strides, dilations = unit_or(node, "strides", len(kernel)), unit_or(node, "dilations", len(kernel))
    return Window(list(kernel), strides, dilations, _pads(node, sizes, kernel, strides, dilations))


def unit_or(node: Node, name: str, count: int) -> list[int]:
    """Strides or dilations, one where the node does not say."""
    return node.integers(name) or [1] * count


def explicit_pads(node: Node, count: int) -> Pads:
    """The `pads` attribute: all numbers before the data, then all after it."""
    pads = node.integers("pads") or [0] * 2 * count
    return list(zip(pads[:count], pads[count:], strict=True))


def halves(total: int, *, more_at_the_end: bool) -> tuple[int, int]:
    """A padding split in two; an odd one has one side longer."""
    shorter, longer = total // 2, total - total // 2
    return (shorter, longer) if more_at_the_end else (longer, shorter)


def for_torch(pads: Iterable[tuple[int, int]]) -> list[int]:
    """Paddings in the order of `torch.nn.functional.pad`: the last axis first."""
    return [amount for pair in reversed(list(pads)) for amount in pair]


def extent(kernel: int, dilation: int) -> int:
    """Elements between the first and the last tap, both included."""
    return (kernel - 1) * dilation + 1


def _pads(
    node: Node, sizes: Sequence[int], kernel: Sequence[int], strides: Sequence[int], dilations: Sequence[int]
) -> Pads:
    """`SAME_UPPER` and `SAME_LOWER` make ceil(size / stride) outputs."""
    rule = node.text("auto_pad", "NOTSET")
    if rule in ("NOTSET", ""):
        return explicit_pads(node, len(kernel))
    if rule == "VALID":
        return [(0, 0)] * len(kernel)
    totals = [
        max((-(-size // stride) - 1) * stride + extent(taps, dilation) - size, 0)
        for size, taps, stride, dilation in zip(sizes, kernel, strides, dilations, strict=True)
    ]
    return [halves(total, more_at_the_end=rule == "SAME_UPPER") for total in totals]
