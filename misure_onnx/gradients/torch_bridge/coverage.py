"""Which operators of a model have no torch function, after everything that can be expanded is expanded."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import onnx
from onnx import AttributeProto, inliner

from misure_onnx.errors import GradientError
from misure_onnx.gradients.torch_bridge.node import Key
from misure_onnx.gradients.torch_bridge.operators import OPERATORS

OLDEST_OPSET = 7
_EXPANSION_ROUNDS = 3  # an expanded body may use another operator that has to be expanded
_LAYOUT_DOMAIN = "com.microsoft.nchwc"


@dataclass(frozen=True, slots=True)
class MissingOperator:
    """An operator without a torch function.

    Attributes:
        node: name of the first node that uses it, or of that node's first output.
        operator: its name.
        domain: its domain; the default one is the empty string.
        opset: the version of the domain that the model imports.
        count: nodes that use it.
    """

    node: str
    operator: str
    domain: str
    opset: int
    count: int

    def __str__(self) -> str:
        prefix = f"{self.domain}." if self.domain else ""
        nodes = "1 node" if self.count == 1 else f"{self.count} nodes"
        return f"{prefix}{self.operator} (opset {self.opset}; {nodes}, first: {self.node!r})"


def missing_operators(model: onnx.ModelProto) -> tuple[MissingOperator, ...]:
    """Operators of the whole model that `TorchGraph` could not run, in the order of their first node.

    Raises:
        GradientError: the opset is older than the operators' functions.
    """
    expanded = expand_functions(model)
    return _missing(expanded.graph.node, opset_versions(expanded))


def require_operators(nodes: Iterable[onnx.NodeProto], versions: dict[str, int]) -> None:
    """Refuses nodes whose operators have no torch function.

    Raises:
        GradientError: naming operators, nodes and opsets.
    """
    missing = _missing(nodes, versions)
    if not missing:
        return
    advice = "use another gradient route for this model"
    if any(entry.domain == _LAYOUT_DOMAIN for entry in missing):
        advice = "the file was saved by ONNX Runtime after layout optimisation: pass the original model instead"
    listed = ", ".join(str(entry) for entry in missing)
    raise GradientError(f"expected operators with a torch function, got {listed}; {advice}")


def expand_functions(model: onnx.ModelProto) -> onnx.ModelProto:
    """The model without local functions, and without operators that ONNX defines by simpler ones and we lack."""
    if model.functions:
        model = inliner.inline_local_functions(model)
    versions = opset_versions(model)
    tried: set[Key] = set()
    for _ in range(_EXPANSION_ROUNDS):
        keys = {(entry.domain, entry.operator) for entry in _missing(model.graph.node, versions)}
        for key in sorted(keys - tried):
            model = _expanded(model, key)
        tried |= keys
    return model


def opset_versions(model: onnx.ModelProto) -> dict[str, int]:
    """Version of every imported domain.

    Raises:
        GradientError: a default opset from before operators broadcast as they do now.
    """
    versions = {normal_domain(entry.domain): entry.version for entry in model.opset_import}
    if versions.get("", OLDEST_OPSET) < OLDEST_OPSET:
        raise GradientError(
            f"expected opset {OLDEST_OPSET} or newer, got {versions['']}; "
            f"convert the model with onnx.version_converter.convert_version(model, {OLDEST_OPSET})"
        )
    return versions


def operator_key(node: onnx.NodeProto) -> Key:
    """The key of a node's operator in `OPERATORS`."""
    return normal_domain(node.domain), node.op_type


def normal_domain(domain: str) -> str:
    """The default domain has two spellings."""
    return "" if domain == "ai.onnx" else domain


def _missing(nodes: Iterable[onnx.NodeProto], versions: dict[str, int]) -> tuple[MissingOperator, ...]:
    """Operators without a function among these nodes and their inner graphs; `Constant` is read, not run."""
    first: dict[Key, str] = {}
    counts: dict[Key, int] = {}
    for node in _with_inner(nodes):
        key = operator_key(node)
        if key not in OPERATORS and key != ("", "Constant"):
            first.setdefault(key, node.name or next(iter(node.output), ""))
            counts[key] = counts.get(key, 0) + 1
    return tuple(
        MissingOperator(first[key], key[1], key[0], versions.get(key[0], 1), count) for key, count in counts.items()
    )


def _expanded(model: onnx.ModelProto, key: Key) -> onnx.ModelProto:
    """The model with one operator replaced by what ONNX defines it as; as it was where ONNX defines nothing."""
    try:
        return inliner.inline_selected_functions(model, [key], inline_schema_functions=True)
    except RuntimeError:  # the definition depends on a type that the graph does not tell
        return model


def _with_inner(nodes: Iterable[onnx.NodeProto]) -> Iterator[onnx.NodeProto]:
    """Every node, those of inner graphs too."""
    for node in nodes:
        yield node
        for attribute in node.attribute:
            if attribute.type == AttributeProto.GRAPH:
                yield from _with_inner(attribute.g.node)
