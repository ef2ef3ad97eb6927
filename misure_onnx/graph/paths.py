"""What depends on what in a graph."""

from collections.abc import Iterable, Iterator, Sequence

import onnx

_OF_SHAPES = frozenset({"Shape", "Size", "ConstantOfShape"})


def from_tensor(nodes: Sequence[onnx.NodeProto], start: str, *, shapes: bool = False) -> set[str]:
    """Tensors whose values depend on `start`, and `start` itself; with `shapes`, also those that its shape decides."""
    reached = {start}
    for node in nodes:
        if (shapes or node.op_type not in _OF_SHAPES) and set(names_read(node)) & reached:
            reached |= {name for name in node.output if name}
    return reached


def to_tensor(nodes: Sequence[onnx.NodeProto], end: str | Iterable[str]) -> set[str]:
    """Tensors that `end` (or any of several) is computed from, and `end` itself."""
    needed = {end} if isinstance(end, str) else set(end)
    for node in reversed(nodes):
        if set(node.output) & needed:
            needed.update(names_read(node))
    return needed


def names_read(node: onnx.NodeProto) -> Iterator[str]:
    """Names that a node reads, those of its inner graphs included."""
    yield from (name for name in node.input if name)
    for attribute in node.attribute:
        for graph in (attribute.g, *attribute.graphs):
            for inner in graph.node:
                yield from names_read(inner)
            yield from (output.name for output in graph.output)
