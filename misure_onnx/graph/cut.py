"""A graph cut in two at a layer: from the image to every tensor that crosses the cut, and from these to an output."""

from collections.abc import Sequence
from dataclasses import dataclass

import onnx
from onnx import helper

from misure_onnx.errors import ParameterError
from misure_onnx.graph.exposed import with_outputs
from misure_onnx.graph.paths import from_tensor, names_read, to_tensor
from misure_onnx.types import AnyArray


@dataclass(frozen=True, eq=False)
class Cut:
    """The two parts.

    Attributes:
        crossing: every tensor that the tail reads and does not make; the layer comes first. Skip connections around the
            layer cross too, and the image itself where the tail reads it.
        head: image -> `crossing`, without the image.
        tail: `crossing` -> output. The types of its inputs are left open: see `typed_tail`.
    """

    crossing: tuple[str, ...]
    head: onnx.ModelProto
    tail: onnx.ModelProto


def cut_at(model: onnx.ModelProto, layer: str, image: str, output: str) -> Cut:
    """Cuts a graph; the tail is what the layer decides, its values or its shape, on the way to the output.

    Args:
        model: with its weights; it is not changed.
        layer: any tensor between the two ends.
        image: name of the one end.
        output: name of the other.

    Raises:
        ParameterError: the layer does not lie between the two.
    """
    nodes = list(model.graph.node)
    if layer in (image, output) or layer not in from_tensor(nodes, image) or output not in from_tensor(nodes, layer):
        raise ParameterError(
            f"layer {layer!r} does not lie between {image!r} and {output!r}: the graph is not cut there"
        )
    after = (from_tensor(nodes, layer, shapes=True) & to_tensor(nodes, output)) - {layer}
    tail_nodes = [node for node in nodes if after & set(node.output)]
    constants = {node.output[0]: node for node in nodes if node.op_type == "Constant"}
    made = {name for node in nodes if node not in tail_nodes for name in node.output} | {image}
    read = dict.fromkeys(name for node in tail_nodes for name in names_read(node))
    crossing = (layer, *(name for name in read if name in made - constants.keys() - {layer}))
    needed = to_tensor(nodes, crossing)
    head_nodes = [node for node in nodes if needed & set(node.output)]
    copied = [constants[name] for name in read if name in constants]
    return Cut(
        crossing,
        with_outputs(_part(model, head_nodes, {image}), [name for name in crossing if name != image]),
        with_outputs(_part(model, [*copied, *tail_nodes], set()), [output]),
    )


def typed_tail(cut: Cut, values: Sequence[AnyArray]) -> onnx.ModelProto:
    """The tail, its inputs typed; a first axis of length 1 is left free, for several images at once.

    Args:
        cut: the two parts.
        values: of `crossing`, as the head gives them.
    """
    tail = onnx.ModelProto()
    tail.CopyFrom(cut.tail)
    for name, value in zip(cut.crossing, values, strict=True):
        shape = [None if k == 0 and extent == 1 else extent for k, extent in enumerate(value.shape)]
        element_type = helper.np_dtype_to_tensor_dtype(value.dtype)
        tail.graph.input.append(helper.make_tensor_value_info(name, element_type, shape))
    return tail


def _part(model: onnx.ModelProto, nodes: Sequence[onnx.NodeProto], inputs: set[str]) -> onnx.ModelProto:
    """The same model with other nodes, those of its inputs, and only the weights that the nodes read."""
    part = onnx.ModelProto()
    part.CopyFrom(model)
    read = {name for node in nodes for name in names_read(node)}
    weights = {tensor.name for tensor in model.graph.initializer}
    del part.graph.node[:], part.graph.input[:], part.graph.initializer[:], part.graph.value_info[:]
    part.graph.node.extend(nodes)
    part.graph.input.extend(v for v in model.graph.input if v.name in inputs or v.name in weights & read)
    part.graph.initializer.extend(tensor for tensor in model.graph.initializer if tensor.name in read)
    return part
