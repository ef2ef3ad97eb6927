"""Brings a model to the form that the rules know.

Static shapes, functions inlined, opset 17 or newer, shape arithmetic folded, every float a float32.
"""

import tempfile
from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np
import onnx
import onnxruntime as ort
from onnx import helper, inliner, numpy_helper, version_converter

from misure_onnx.errors import GradientError
from misure_onnx.gradients.onnx_gradient.recognised import recognise_hard_sigmoids
from misure_onnx.graph.load import opset_version
from misure_onnx.session_options import session_options

OLDEST_OPSET = 17
"""ScatterElements adds since 16; LayerNormalization exists since 17."""

_RESIZE_WITH_MODES = 11
_OLDEST_IR = 8
_NEGLIGIBLE = 1e-30  # a weight so small changes no float32 score
_FLOATS = frozenset({onnx.TensorProto.FLOAT16, onnx.TensorProto.BFLOAT16, onnx.TensorProto.DOUBLE})


def normalised(
    model: onnx.ModelProto,
    *,
    shapes: Mapping[str, Sequence[int]],
    outputs: Sequence[str],
    known: Collection[str],
) -> onnx.ModelProto:
    """A model that computes the same from static shapes, of standard operators only; the argument is not changed.

    Args:
        model: with its weights.
        shapes: of its inputs; these are taken as float32, whatever the file declares.
        outputs: any tensors of the graph; they become its outputs.
        known: operators that need not be written in terms of simpler ones.

    Raises:
        GradientError: the opset cannot be raised, or ONNX Runtime cannot run the result.
    """
    copy = onnx.ModelProto()
    copy.CopyFrom(model)
    _use_outputs(copy, outputs)
    _use_float32(copy)
    _use_shapes(copy, shapes)
    if copy.functions:
        copy = inliner.inline_local_functions(copy)
    copy = _raised(copy)
    copy.ir_version = max(copy.ir_version, _OLDEST_IR)
    copy = _folded(copy)
    compound = _compound_operators(copy, known)
    if compound:
        copy = _folded(_expanded(copy, compound))
    recognise_hard_sigmoids(copy.graph)
    _flush_denormals(copy)
    return copy


def _flush_denormals(model: onnx.ModelProto) -> None:
    """Weights of dead channels decay to denormal numbers, with which a processor computes ten times slower."""
    for tensor in model.graph.initializer:
        if tensor.data_type == onnx.TensorProto.FLOAT:
            values = numpy_helper.to_array(tensor)
            tiny = (values != 0) & (np.abs(values) < _NEGLIGIBLE)
            if tiny.any():
                tensor.CopyFrom(numpy_helper.from_array(np.where(tiny, np.float32(0), values), tensor.name))


def _use_outputs(model: onnx.ModelProto, outputs: Sequence[str]) -> None:
    """Other outputs, and all types that the file declares of inner values, are dropped: they may be wrong."""
    del model.graph.output[:]
    model.graph.output.extend(helper.make_empty_tensor_value_info(name) for name in outputs)
    del model.graph.value_info[:]
    for function in model.functions:
        del function.value_info[:]


def _use_shapes(model: onnx.ModelProto, shapes: Mapping[str, Sequence[int]]) -> None:
    """Inputs that have an initializer (old files list weights as inputs) become constants."""
    constants = {tensor.name for tensor in model.graph.initializer}
    inputs = [value for value in model.graph.input if value.name not in constants]
    for value in (value for value in inputs if value.name in shapes):
        value.CopyFrom(helper.make_tensor_value_info(value.name, onnx.TensorProto.FLOAT, shapes[value.name]))
    kept = [onnx.ValueInfoProto.FromString(value.SerializeToString()) for value in inputs]
    del model.graph.input[:]
    model.graph.input.extend(kept)


def _use_float32(model: onnx.ModelProto) -> None:
    """Weights, casts and declared types of the other floating-point types become float32."""
    for graph in _graphs(model.graph):
        for tensor in graph.initializer:
            _retype(tensor)
        for value in (*graph.input, *graph.output, *graph.value_info):
            if value.type.tensor_type.elem_type in _FLOATS:
                value.type.tensor_type.elem_type = onnx.TensorProto.FLOAT
    nodes = [node for graph in _graphs(model.graph) for node in graph.node]
    nodes += [node for function in model.functions for node in function.node]
    for attribute in (attribute for node in nodes for attribute in node.attribute):
        if attribute.type == onnx.AttributeProto.TENSOR:
            _retype(attribute.t)
        elif attribute.name in ("to", "dtype") and attribute.i in _FLOATS:
            attribute.i = onnx.TensorProto.FLOAT


def _retype(tensor: onnx.TensorProto) -> None:
    if tensor.data_type in _FLOATS:
        values = numpy_helper.to_array(tensor).astype(np.float32)
        tensor.CopyFrom(numpy_helper.from_array(values, tensor.name))


def _graphs(graph: onnx.GraphProto) -> Iterator[onnx.GraphProto]:
    """A graph and the graphs inside it (the branches of If, the body of Loop)."""
    yield graph
    for attribute in (attribute for node in graph.node for attribute in node.attribute):
        if attribute.type == onnx.AttributeProto.GRAPH:
            yield from _graphs(attribute.g)


def _raised(model: onnx.ModelProto) -> onnx.ModelProto:
    version = opset_version(model)
    if version >= OLDEST_OPSET:
        return model
    try:
        converted = version_converter.convert_version(model, OLDEST_OPSET)
    except Exception as error:
        raise GradientError(
            f"a gradient graph needs opset {OLDEST_OPSET}, the model has {version} and onnx cannot raise it: "
            f"{_first_line(error)}; export it with opset {OLDEST_OPSET} or newer"
        ) from error
    if version < _RESIZE_WITH_MODES:
        _keep_old_coordinates(converted)
    return converted


def _keep_old_coordinates(model: onnx.ModelProto) -> None:
    """Before opset 11, Resize and Upsample had one rule; the converter lets them take the later default."""
    for node in (node for node in model.graph.node if node.op_type == "Resize"):
        kept = [onnx.AttributeProto.FromString(a.SerializeToString()) for a in node.attribute if a.name == "mode"]
        del node.attribute[:]
        node.attribute.extend(kept)
        node.attribute.append(helper.make_attribute("coordinate_transformation_mode", "asymmetric"))
        node.attribute.append(helper.make_attribute("nearest_mode", "floor"))


def _compound_operators(model: onnx.ModelProto, known: Collection[str]) -> list[onnx.NodeProto]:
    """Nodes whose operator has no rule, but a definition by simpler ones; ONNX Runtime has expanded most already."""
    version = opset_version(model)
    nodes = [node for node in model.graph.node if node.domain in ("", "ai.onnx") and node.op_type not in known]
    defined = [node for node in nodes if onnx.defs.has(node.op_type, max_inclusive_version=version)]
    return [node for node in defined if _is_function(_schema(model, node))]


def _schema(model: onnx.ModelProto, node: onnx.NodeProto) -> onnx.defs.OpSchema:
    return onnx.defs.get_schema(node.op_type, max_inclusive_version=opset_version(model))


def _is_function(schema: onnx.defs.OpSchema) -> bool:
    return bool(schema.has_function or schema.has_context_dependent_function)  # type: ignore[attr-defined]


def _expanded(model: onnx.ModelProto, compound: list[onnx.NodeProto]) -> onnx.ModelProto:
    """Defaults are written out first: onnx would leave constants without a value in their place."""
    for node in compound:
        given = {attribute.name for attribute in node.attribute}
        for name, attribute in _schema(model, node).attributes.items():
            if name not in given and attribute.default_value.type != onnx.AttributeProto.UNDEFINED:
                node.attribute.append(attribute.default_value)
    operators = sorted({("", node.op_type) for node in compound})
    try:
        expanded = inliner.inline_selected_functions(_typed(model), operators, inline_schema_functions=True)
    except RuntimeError:  # the definition depends on a type that cannot be inferred
        return model
    del expanded.graph.value_info[:]
    return expanded


def _typed(model: onnx.ModelProto) -> onnx.ModelProto:
    """With the types of all values, those of weights too: definitions depend on them."""
    typed = onnx.shape_inference.infer_shapes(model)
    typed.graph.value_info.extend(
        helper.make_tensor_value_info(tensor.name, tensor.data_type, tensor.dims) for tensor in typed.graph.initializer
    )
    return typed


def _folded(model: onnx.ModelProto) -> onnx.ModelProto:
    """ONNX Runtime's basic optimisation: constants folded, and still nothing but standard operators."""
    options = session_options(threads=1)
    options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_ENABLE_BASIC
    options.add_session_config_entry("session.disable_quant_qdq", "1")  # else quantised weights are not folded
    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory) / "optimised.onnx"
        options.optimized_model_filepath = str(path)
        try:
            ort.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
        except Exception as error:
            raise GradientError(
                f"ONNX Runtime cannot run the model computed in float32: {_first_line(error)}"
            ) from error
        optimised = onnx.load(path)
    used = {node.domain for node in optimised.graph.node}
    kept = [entry for entry in optimised.opset_import if entry.domain in ("", "ai.onnx", *used)]
    imports = [helper.make_opsetid(entry.domain, entry.version) for entry in kept]
    del optimised.opset_import[:]
    optimised.opset_import.extend(imports)
    return optimised


def _first_line(error: Exception) -> str:
    lines = str(error).strip().splitlines()
    return lines[0] if lines else type(error).__name__
