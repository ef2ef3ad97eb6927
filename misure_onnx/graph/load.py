"""Opening an ONNX file, with an error a person can act on for every way it can be wrong."""

from pathlib import Path

import onnx
from google.protobuf.message import DecodeError
from onnx.external_data_helper import ExternalDataInfo, uses_external_data

from misure_onnx.errors import ModelError, UnsupportedModel

RUNTIME_DOMAINS = frozenset(
    {"", "ai.onnx", "ai.onnx.ml", "com.microsoft", "com.microsoft.nchwc", "com.ms.internal.nhwc", "ai.onnx.preview"}
)
"""Operator domains that a plain ONNX Runtime knows."""


def load_structure(path: Path) -> onnx.ModelProto:
    """The graph of a file, without reading weights that are stored outside it.

    Raises:
        ModelError: no such file, not ONNX, truncated, or external data missing.
        UnsupportedModel: an operator that neither ONNX nor ONNX Runtime defines.
    """
    if not path.is_file():
        raise ModelError(f"model {str(path)!r} is no existing file")
    try:
        model = onnx.load(path, load_external_data=False)
    except (DecodeError, OSError, ValueError) as error:
        raise ModelError(
            f"model {path} ({path.stat().st_size:,} bytes) is no ONNX file, or a truncated one: {error}"
        ) from error
    if not model.graph.node or not model.opset_import:
        raise ModelError(f"model {path} is no ONNX model: it has no operators")
    _check_external_data(model, path)
    _check_operators(model, path)
    return model


def load_with_weights(path: Path) -> onnx.ModelProto:
    """The whole model, weights included."""
    model = load_structure(path)
    onnx.load_external_data_for_model(model, str(path.resolve().parent))
    return model


def opset_version(model: onnx.ModelProto) -> int:
    """The version of ONNX's default operator set that a model uses."""
    return max((entry.version for entry in model.opset_import if entry.domain in ("", "ai.onnx")), default=0)


def _check_external_data(model: onnx.ModelProto, path: Path) -> None:
    for tensor in model.graph.initializer:
        if not uses_external_data(tensor):
            continue
        location = ExternalDataInfo(tensor).location
        if not (path.parent / location).is_file():
            raise ModelError(
                f"model {path} keeps the weights {tensor.name!r} in {location!r}, which is not beside it: "
                f"copy that file into {path.parent or '.'}"
            )


def _check_operators(model: onnx.ModelProto, path: Path) -> None:
    newest = onnx.defs.onnx_opset_version()
    version = opset_version(model)
    if version > newest:
        raise UnsupportedModel(
            f"model {path} uses opset {version}; the installed onnx {onnx.__version__} knows opsets up to {newest}: "
            "upgrade onnx and onnxruntime, or export with an older opset"
        )
    functions = {(function.domain, function.name) for function in model.functions}
    for node in model.graph.node:
        known = node.domain in RUNTIME_DOMAINS or (node.domain, node.op_type) in functions
        standard = node.domain not in ("", "ai.onnx") or onnx.defs.has(node.op_type, max_inclusive_version=version)
        if not (known and (standard or (node.domain, node.op_type) in functions)):
            name = f"{node.domain}::{node.op_type}" if node.domain else node.op_type
            raise UnsupportedModel(
                f"model {path}: node {node.name or node.output[0]!r} is the custom operator {name} (opset {version}), "
                "which ONNX Runtime does not define: export the model with standard operators"
            )
