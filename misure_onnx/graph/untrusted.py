"""What a model from strangers may not be, told from its file before anything of it runs."""

from pathlib import Path

import onnx

from misure_onnx.errors import ModelError
from misure_onnx.graph.load import all_nodes, external_tensors, load_structure

MOST_BYTES = 2**31
"""The largest file that ONNX itself can hold."""
MOST_NODES = 100_000

_LOADS_OTHER_FILES = frozenset({"EPContext"})
"""Operators that hand a file, or code compiled elsewhere, to an execution provider."""


def check_untrusted(path: Path) -> None:
    """Refuses models that reach beyond their own file, or that are larger than any network.

    What remains may still ask for any amount of memory or time: it has to run in a process with limits.

    Args:
        path: of the ONNX file.

    Raises:
        ModelError: it is refused, or is no ONNX file.
    """
    if path.is_file() and (size := path.stat().st_size) > MOST_BYTES:
        raise ModelError(f"model {str(path)!r} has {size:,} bytes; of untrusted models {MOST_BYTES:,} are read")
    model = load_structure(path)
    _check_size(model, path)
    if outside := external_tensors(model):
        raise ModelError(
            f"model {str(path)!r} keeps weights in other files (of {len(outside)} tensors): of an untrusted model only "
            "the file itself is read; have it exported with its weights inside"
        )
    for node in all_nodes(model):
        if node.op_type in _LOADS_OTHER_FILES:
            raise ModelError(
                f"model {str(path)!r} holds a graph that was compiled for one device ({node.op_type}): it cannot be "
                "looked into, so it is refused; ask for the model that it was compiled from"
            )


def _check_size(model: onnx.ModelProto, path: Path) -> None:
    count = sum(1 for _ in all_nodes(model))
    if count > MOST_NODES:
        raise ModelError(f"model {str(path)!r} has {count:,} nodes; of untrusted models {MOST_NODES:,} are read")
