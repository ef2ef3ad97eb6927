"""Appends the backward pass to a graph."""

from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence

import numpy as np
import onnx
from onnx import helper

from misure_onnx.errors import GradientError
from misure_onnx.gradients.onnx_gradient.in_parts import split_slow_operators
from misure_onnx.gradients.onnx_gradient.normalise import normalised
from misure_onnx.gradients.onnx_gradient.rules import RULES, WITHOUT_GRADIENT
from misure_onnx.gradients.onnx_gradient.site import Site
from misure_onnx.gradients.onnx_gradient.values import Array, Value, measured
from misure_onnx.graph.load import opset_version
from misure_onnx.graph.writer import GraphWriter

UPSTREAM, GRADIENT = "upstream", "gradient"

_OF_SHAPES = frozenset({"Shape", "Size"})

KNOWN = frozenset(RULES) | WITHOUT_GRADIENT
"""Operators that need not be written in terms of simpler ones."""


def gradient_graph(model: onnx.ModelProto, *, of: str, wrt: str, shape: Sequence[int]) -> onnx.ModelProto:
    """A model that runs forward and backward.

    Args:
        model: with its weights; its only input is `wrt`. It is not changed.
        of: any tensor s of it.
        wrt: its image input x; fed as float32, whatever the file declares.
        shape: of that input.

    Returns:
        Inputs `wrt` and `UPSTREAM` (u, of the shape of s); outputs `of` and `GRADIENT`: d(sum(u * s))/dx, of
        the shape of x.

    Raises:
        GradientError: operators have no rule (all are named), or x does not reach s through differentiable ones.
    """
    simple = normalised(model, shapes={wrt: shape}, outputs=[of], known=KNOWN)
    sample = np.random.default_rng(0).random(shape, np.float32)
    return differentiated(simple, of=of, wrt=wrt, feeds={wrt: sample})


def differentiated(
    model: onnx.ModelProto, *, of: str, wrt: str, feeds: Mapping[str, Array], detached: Collection[str] = ()
) -> onnx.ModelProto:
    """As `gradient_graph`, for a normalised model, which keeps its inputs and outputs.

    Args:
        model: a graph with static shapes, as `normalised` gives it.
        of: the differentiated tensor.
        wrt: the input with respect to which it is.
        feeds: values for all inputs, from which every shape is measured.
        detached: tensors that are taken as constants.
    """
    extended = onnx.ModelProto()
    extended.CopyFrom(model)
    values = _with_constants_only(extended.graph, measured(extended, feeds))
    active = _active(extended.graph, of, wrt, values, frozenset(detached))
    path = [node for node in extended.graph.node if active & set(node.output) and active & set(_read(node))]
    _check_rules(path, opset_version(model))
    write = GraphWriter(opset_version(model), values.keys())
    arrived = {of: UPSTREAM}
    producers = {name: node for node in path for name in node.output}
    for node in reversed(path):
        upstreams = [arrived.get(name) for name in node.output]
        _write_backward(node, arrived, Site(node, write, values, active, upstreams=upstreams, producers=producers))
    if wrt not in arrived:
        raise GradientError(f"{of!r} does not depend on {wrt!r} through operators that can be differentiated")
    write.nodes.append(helper.make_node("Identity", [arrived[wrt]], [GRADIENT]))
    extended.graph.node.extend(write.nodes)
    extended.graph.initializer.extend(write.constants)
    split_slow_operators(extended.graph, values, write.opset)
    _declare(extended.graph, of, wrt, values)
    return extended


def _with_constants_only(graph: onnx.GraphProto, values: Mapping[str, Value]) -> dict[str, Value]:
    """Numbers that depend on any input in any way are forgotten: they were those of the feeds, and no constants."""
    reached = {value.name for value in graph.input}
    for node in graph.node:
        if node.op_type not in _OF_SHAPES and reached & set(_read(node)):
            reached |= set(node.output)
    return {n: Value(v.shape, v.dtype, None) if n in reached else v for n, v in values.items()}


def _active(
    graph: onnx.GraphProto, of: str, wrt: str, values: Mapping[str, Value], detached: frozenset[str]
) -> frozenset[str]:
    """The floating-point tensors on a path from `wrt` to `of`, and the integers that stand for such (quantised)."""
    reached, quantised = {wrt}, set[str]()
    for node in graph.node:
        if node.op_type in WITHOUT_GRADIENT or not reached & set(_read(node)):
            continue
        results = {name for name in node.output if name}
        if node.op_type == "QuantizeLinear" or quantised & set(_read(node)):
            quantised |= {name for name in results if values[name].dtype.kind in "iu"}
        reached |= {name for name in results if values[name].dtype.kind in "fO" or name in quantised} - detached
    wanted = {of}
    for node in reversed(graph.node):
        if node.op_type not in WITHOUT_GRADIENT and wanted & set(node.output) - detached:
            wanted |= set(_read(node))
    return frozenset(reached & wanted)


def _read(node: onnx.NodeProto) -> Iterator[str]:
    """The tensors that a node reads, those too that the graphs inside it take from around it."""
    yield from (name for name in node.input if name)
    for attribute in node.attribute:
        for inner in attribute.g.node if attribute.type == onnx.AttributeProto.GRAPH else ():
            yield from _read(inner)


def _check_rules(path: Sequence[onnx.NodeProto], opset: int) -> None:
    """Names every operator without a rule.

    Raises:
        GradientError: there are some.
    """
    missing = [node for node in path if node.op_type not in RULES or node.domain not in ("", "ai.onnx")]
    if not missing:
        return
    counts = Counter(_operator(node) for node in missing)
    first = {_operator(node): node.name or node.output[0] for node in reversed(missing)}
    named = ", ".join(
        f"{operator} ({count} {'node' if count == 1 else 'nodes'}, first: {first[operator]!r})"
        for operator, count in counts.items()
    )
    raise GradientError(f"no gradient rule for {named}, opset {opset}; expected operators of {len(RULES)} known kinds")


def _operator(node: onnx.NodeProto) -> str:
    return f"{node.domain}::{node.op_type}" if node.domain not in ("", "ai.onnx") else str(node.op_type)


def _write_backward(node: onnx.NodeProto, arrived: dict[str, str], site: Site) -> None:
    """Adds a node's part to what has arrived at the tensors it reads; several readers of a tensor add up.

    Raises:
        GradientError: the rule has no gradient for an input that depends on the image.
    """
    if not any(site.upstreams):  # all its readers round or compare
        return
    gradients = RULES[node.op_type](site)
    for k, name in enumerate(node.input):
        if not site.needs(k):
            continue
        gradient = gradients[k] if k < len(gradients) else None
        if gradient is None:
            raise site.refusal(f"its input {k} ({name!r}) depends on the image")
        arrived[name] = site.write.add(arrived[name], gradient) if name in arrived else gradient


def _declare(graph: onnx.GraphProto, of: str, wrt: str, values: Mapping[str, Value]) -> None:
    """The further input, and the outputs: those there were, `of`, and the gradient."""
    graph.input.append(helper.make_tensor_value_info(UPSTREAM, onnx.TensorProto.FLOAT, values[of].shape))
    names = dict.fromkeys([*(value.name for value in graph.output), of])
    del graph.output[:]
    for name in names:
        element_type = helper.np_dtype_to_tensor_dtype(values[name].dtype)
        graph.output.append(helper.make_tensor_value_info(name, element_type, values[name].shape))
    graph.output.append(helper.make_tensor_value_info(GRADIENT, onnx.TensorProto.FLOAT, values[wrt].shape))
