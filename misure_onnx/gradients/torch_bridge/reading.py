"""From an ONNX model to a `Program`: the nodes that the outputs need, with decoded attributes and weights."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import onnx
import torch
from onnx import AttributeProto
from torch import Tensor

from misure_onnx.errors import GradientError
from misure_onnx.gradients.torch_bridge.coverage import operator_key, opset_versions, require_operators
from misure_onnx.gradients.torch_bridge.element_types import decode
from misure_onnx.gradients.torch_bridge.node import Node, Value
from misure_onnx.gradients.torch_bridge.operators import HOST_INPUTS, OPERATORS
from misure_onnx.gradients.torch_bridge.program import Program, Step, inner_graphs

_CONSTANT = ("", "Constant")


def read_program(model: onnx.ModelProto, outputs: Sequence[str]) -> Program:
    """The part of a model that the outputs need.

    Raises:
        GradientError: an output does not exist, an operator has no torch function, or a weight cannot be read.
    """
    graph = model.graph
    nodes, names = _needed(graph, outputs)
    versions = opset_versions(model)
    require_operators(nodes, versions)
    constants = _constants(graph, names)
    inputs = tuple(value.name for value in graph.input if value.name in names and value.name not in constants)
    return _program(nodes, versions, _element_types(graph), Program(inputs, tuple(outputs), constants, ()))


def _needed(graph: onnx.GraphProto, outputs: Sequence[str]) -> tuple[list[onnx.NodeProto], set[str]]:
    """Nodes that the outputs need, in order, and the names of everything they read."""
    made = {name for node in graph.node for name in node.output}
    made |= {value.name for value in graph.input} | {tensor.name for tensor in graph.initializer}
    unknown = [name for name in outputs if name not in made]
    if unknown:
        own = [value.name for value in graph.output]
        raise GradientError(f"expected names of tensors in the graph, got {unknown}; its own outputs are {own}")
    names = set(outputs)
    nodes: list[onnx.NodeProto] = []
    for node in reversed(graph.node):
        if not names.isdisjoint(node.output):
            nodes.append(node)
            names |= _names_read(node)
    return nodes[::-1], names


def _names_read(node: onnx.NodeProto) -> set[str]:
    """Every name a node or its inner graphs read; names made inside do no harm, no outer tensor is called so."""
    names = set(node.input)
    for attribute in node.attribute:
        if attribute.type == AttributeProto.GRAPH:
            names.update(value.name for value in attribute.g.output)
            names.update(name for inner in attribute.g.node for name in _names_read(inner))
    return names


def _program(
    nodes: Iterable[onnx.NodeProto], versions: Mapping[str, int], types: Mapping[str, int], frame: Program
) -> Program:
    """A frame of inputs, outputs and weights, filled with steps; `Constant` nodes join the weights."""
    constants: dict[str, Value] = dict(frame.constants)
    steps: list[Step] = []
    for node in nodes:
        if operator_key(node) == _CONSTANT:
            constants[node.output[0]] = _constant_value(node.attribute[0])
        else:
            steps.append(_step(node, versions, types))
    return Program(frame.inputs, frame.outputs, constants, tuple(steps))


def _inner_program(graph: onnx.GraphProto, versions: Mapping[str, int]) -> Program:
    constants = _constants(graph, None)
    outputs = tuple(value.name for value in graph.output)
    frame = Program(tuple(value.name for value in graph.input), outputs, constants, ())
    return _program(graph.node, versions, _element_types(graph), frame)


def _step(proto: onnx.NodeProto, versions: Mapping[str, int], types: Mapping[str, int]) -> Step:
    key = operator_key(proto)
    inputs, outputs = _without_trailing(proto.input), _without_trailing(proto.output)
    node = Node(
        op_type=key[1],
        domain=key[0],
        name=proto.name or next(iter(outputs), ""),
        opset=versions.get(key[0], 1),
        attributes={attribute.name: _attribute(attribute, versions) for attribute in proto.attribute},
        inputs=inputs,
        outputs=outputs,
        input_types=tuple(types.get(name, 0) for name in inputs),
    )
    captures = dict.fromkeys(name for program in inner_graphs(node).values() for name in program.captures)
    return Step(node, OPERATORS[key], frozenset(HOST_INPUTS.get(key, ())), tuple(captures))


def _without_trailing(names: Iterable[str]) -> tuple[str, ...]:
    """Names without the empty ones at the end: an input left out and one not written are the same."""
    kept = list(names)
    while kept and not kept[-1]:
        kept.pop()
    return tuple(kept)


def _element_types(graph: onnx.GraphProto) -> dict[str, int]:
    """Declared element types, as far as the file gives them."""
    declared = {v.name: v.type.tensor_type.elem_type for v in (*graph.input, *graph.value_info, *graph.output)}
    return declared | {tensor.name: tensor.data_type for tensor in graph.initializer}


def _attribute(attribute: onnx.AttributeProto, versions: Mapping[str, int]) -> Any:
    if attribute.type == AttributeProto.GRAPH:
        return _inner_program(attribute.g, versions)
    if attribute.type == AttributeProto.TENSOR:
        return _decoded(attribute.t)
    value = onnx.helper.get_attribute_value(attribute)
    return value.decode() if isinstance(value, bytes) else value


def _constants(graph: onnx.GraphProto, names: set[str] | None) -> dict[str, Value]:
    """Weights of a graph, all of them or those named."""
    dense = {t.name: _decoded(t) for t in graph.initializer if names is None or t.name in names}
    sparse = {t.values.name: _filled(t) for t in graph.sparse_initializer}
    return {**dense, **sparse}


def _constant_value(attribute: onnx.AttributeProto) -> Tensor:
    """The value of a `Constant` node: the name of its one attribute says what it is.

    Raises:
        GradientError: text.
    """
    if attribute.name == "value":
        return _decoded(attribute.t)
    if attribute.name == "sparse_value":
        return _filled(attribute.sparse_tensor)
    if attribute.name in ("value_float", "value_floats"):
        return torch.tensor(onnx.helper.get_attribute_value(attribute), dtype=torch.float32)
    if attribute.name in ("value_int", "value_ints"):
        return torch.tensor(onnx.helper.get_attribute_value(attribute), dtype=torch.int64)
    raise GradientError(f"expected a Constant that holds numbers, got one with {attribute.name!r}")


def _decoded(tensor: onnx.TensorProto) -> Tensor:
    try:
        return decode(tensor)
    except NotImplementedError as error:
        raise GradientError(str(error)) from error


def _filled(sparse: onnx.SparseTensorProto) -> Tensor:
    """A sparse constant with its zeros; indices are flat, or one row a value."""
    values, indices = _decoded(sparse.values), _decoded(sparse.indices).numpy()
    sizes = tuple(sparse.dims)
    flat = indices if indices.ndim == 1 else np.ravel_multi_index(tuple(indices.T), sizes)
    dense = torch.zeros(int(np.prod(sizes)), dtype=values.dtype)
    dense[torch.from_numpy(np.asarray(flat, dtype=np.int64))] = values
    return dense.reshape(sizes)
