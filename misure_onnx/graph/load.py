"""Opening an ONNX file, with an error a person can act on for every way it can be wrong."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import onnx
from google.protobuf.message import DecodeError

from misure_onnx.errors import ModelError, UnsupportedModel

RUNTIME_DOMAINS = frozenset(
    {"", "ai.onnx", "ai.onnx.ml", "com.microsoft", "com.microsoft.nchwc", "com.ms.internal.nhwc", "ai.onnx.preview"}
)
"""Operator domains that a plain ONNX Runtime knows."""

_DEFAULT_DOMAIN = ("", "ai.onnx")
_WITHDRAWN_OPERATORS = frozenset(
    {"Affine", "Crop", "DynamicSlice", "ImageScaler", "ParametricSoftplus", "Scale", "ScaledTanh", "ThresholdedRelu"}
)
"""Experimental operators that ONNX took back and ONNX Runtime still runs; old exports have them."""

_OTHER_FILES = {
    b"PK\x03\x04": "a zip archive, as PyTorch and Keras save them",
    b"\x80\x02": "a Python pickle, as old PyTorch saves them",
    b"\x89HDF": "an HDF5 file, as Keras saves them",
    b"version https://git-lfs": "a Git LFS pointer: fetch the file itself with `git lfs pull`",
    b"\x89PNG": "a PNG image",
    b"\xff\xd8\xff": "a JPEG image",
    b"<": "an HTML or XML text",
}


def load_structure(path: Path) -> onnx.ModelProto:
    """The graph of a file, without reading weights that are stored outside it.

    Raises:
        ModelError: no such file, not ONNX, truncated, or external data missing.
        UnsupportedModel: an operator that neither ONNX nor ONNX Runtime defines.
    """
    try:
        if not path.is_file():
            found = "a directory" if path.is_dir() else "no existing file"
            raise ModelError(f"model {str(path)!r} is {found}; expected an ONNX file")
        content = path.read_bytes()
    except OSError as error:
        raise ModelError(f"model {str(path)!r} cannot be read: {error}") from error
    model = _parsed(content, path)
    for tensor in external_tensors(model):
        _locate(tensor, path)
    _check_operators(model, path)
    return model


def load_with_weights(path: Path) -> onnx.ModelProto:
    """The whole model, weights included.

    Raises:
        ModelError, UnsupportedModel: as `load_structure`.
    """
    model = load_structure(path)
    for tensor in external_tensors(model):
        part = _locate(tensor, path)
        with part.file.open("rb") as file:
            file.seek(part.offset)
            tensor.raw_data = file.read(part.length)
        tensor.data_location = onnx.TensorProto.DEFAULT
        del tensor.external_data[:]
    return model


def _parsed(content: bytes, path: Path) -> onnx.ModelProto:
    refusal = f"model {str(path)!r} ({len(content):,} bytes) is no ONNX file, or a truncated one"
    try:
        model = onnx.load_model_from_string(content)
    except (DecodeError, ValueError) as error:
        kind = next((kind for magic, kind in _OTHER_FILES.items() if content.startswith(magic)), None)
        came = f"it is {kind}" if kind else f"it begins with {content[:12]!r}"
        raise ModelError(f"{refusal}: {came}; copy or export the model again") from error
    if not model.graph.node or not model.opset_import:
        missing = "operators" if not model.graph.node else "operator set"
        raise ModelError(f"{refusal}: it has no {missing}; copy or export the model again")
    return model


def opset_version(model: onnx.ModelProto) -> int:
    """The version of ONNX's default operator set that a model uses."""
    return _default_version({entry.domain: entry.version for entry in model.opset_import})


@dataclass(frozen=True)
class _FilePart:
    """Where the bytes of a tensor lie."""

    file: Path
    offset: int
    length: int


def _locate(tensor: onnx.TensorProto, path: Path) -> _FilePart:
    """Finds the bytes of a tensor that is stored outside the model.

    As in ONNX Runtime, links are followed, and must end in the model's directory (as named, or where a link
    to the model leads): a model must not make us read any other file.
    """
    entries = {entry.key: entry.value for entry in tensor.external_data}
    location = entries.get("location", "")
    where = f"model {str(path)!r} keeps the weights {tensor.name!r} in {location!r}"
    file = path.parent / location
    try:
        homes = (path.parent.resolve(), path.resolve().parent)
        inside = bool(location) and any(file.resolve().is_relative_to(home) for home in homes)
        present = file.is_file()
    except (OSError, ValueError, RuntimeError) as error:  # too long, with a zero byte, or a ring of links
        raise ModelError(f"{where}, which is no path of a file: {error}") from error
    if not inside or Path(location).is_absolute():
        raise ModelError(f"{where}, which is outside its directory: export it again with its weights beside it")
    if not present:
        raise ModelError(f"{where}, which is not there: copy that file into {str(path.parent)!r}")
    size = file.stat().st_size
    try:
        offset = int(entries.get("offset") or 0)
        length = int(entries.get("length") or size - offset)
    except ValueError as error:
        raise ModelError(f"{where}: expected an offset and a length, {error}") from error
    if offset < 0 or length < 0 or offset + length > size:
        raise ModelError(
            f"{where}: expected {length:,} bytes from byte {offset:,} on, the file has {size:,} bytes: "
            "copy or export it again"
        )
    return _FilePart(file, offset, length)


def external_tensors(model: onnx.ModelProto) -> list[onnx.TensorProto]:
    """The tensors, wherever in the model, whose bytes lie in other files."""
    graphs = [model.graph, *(graph for node in all_nodes(model) for graph in _subgraphs(node))]
    tensors = [tensor for graph in graphs for tensor in graph.initializer]
    for attribute in (attribute for node in all_nodes(model) for attribute in node.attribute):
        tensors += [attribute.t, *attribute.tensors] if attribute.HasField("t") else attribute.tensors
    return [tensor for tensor in tensors if tensor.data_location == onnx.TensorProto.EXTERNAL]


def all_nodes(model: onnx.ModelProto) -> Iterator[onnx.NodeProto]:
    """The nodes of the graph, of the graphs inside it, and of its functions."""
    yield from _nodes(model.graph)
    for function in model.functions:
        yield from _nodes(function)


def _nodes(owner: onnx.GraphProto | onnx.FunctionProto) -> Iterator[onnx.NodeProto]:
    """The nodes of a graph and of the graphs inside them (the branches of If, the body of Loop)."""
    for node in owner.node:
        yield node
        for graph in _subgraphs(node):
            yield from _nodes(graph)


def _subgraphs(node: onnx.NodeProto) -> Iterator[onnx.GraphProto]:
    for attribute in node.attribute:
        if attribute.HasField("g"):
            yield attribute.g
        yield from attribute.graphs


def _check_operators(model: onnx.ModelProto, path: Path) -> None:
    newest, version = onnx.defs.onnx_opset_version(), opset_version(model)
    if not 0 <= version <= newest:
        raise UnsupportedModel(
            f"model {str(path)!r} uses opset {version}; the installed onnx {onnx.__version__} knows opsets up to "
            f"{newest}: upgrade onnx and onnxruntime, or export with an older opset"
        )
    functions = {(function.domain, function.name) for function in model.functions}
    scopes = [(_nodes(model.graph), model.opset_import), *((_nodes(f), f.opset_import) for f in model.functions)]
    for nodes, imports in scopes:
        versions = {entry.domain: entry.version for entry in imports}
        for node in nodes:
            if (node.domain, node.op_type) not in functions:
                _check_operator(node, versions, path)


def _check_operator(node: onnx.NodeProto, versions: Mapping[str, int], path: Path) -> None:
    name = node.name or next((output for output in node.output if output), "without a name")
    if node.domain not in RUNTIME_DOMAINS:
        raise UnsupportedModel(
            f"model {str(path)!r}: node {name!r} is the custom operator {node.domain}::{node.op_type} "
            f"(opset {versions.get(node.domain, 'not declared')}), which ONNX Runtime does not define: "
            "export the model with standard operators"
        )
    version = _default_version(versions)
    standard = _is_standard(node.op_type, version) or node.op_type in _WITHDRAWN_OPERATORS
    if node.domain in _DEFAULT_DOMAIN and not standard:
        raise UnsupportedModel(
            f"model {str(path)!r}: node {name!r} is the operator {node.op_type}, which opset {version} of ONNX does "
            "not have: export the model with standard operators, or with the opset that defines it"
        )


def _is_standard(operator: str, version: int) -> bool:
    try:
        return onnx.defs.has(operator, max_inclusive_version=version)
    except TypeError:  # a name that is no UTF-8, or a version beyond the machine's integers
        return False


def _default_version(versions: Mapping[str, int]) -> int:
    return max((versions[domain] for domain in _DEFAULT_DOMAIN if domain in versions), default=0)
