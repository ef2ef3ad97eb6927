"""ONNX Runtime's execution providers, by the names that stand in a provenance, and the options each is given."""

from collections.abc import Sequence

CPU, CUDA = "CPUExecutionProvider", "CUDAExecutionProvider"

CUDA_TF32 = f"{CUDA} TF32"
"""CUDA that rounds the inputs of convolutions and matrix products to 10 bits: somebody asked for it by name."""

_OPTIONS = {CUDA: {"use_tf32": "0"}, CUDA_TF32: {"use_tf32": "1"}}
"""CUDA rounds by itself where a GPU can, which is another model than the file says."""


def for_session(names: Sequence[str]) -> list[str | tuple[str, dict[str, str]]]:
    """What a session of ONNX Runtime takes as its providers."""
    return [(_own_name(name), _OPTIONS[name]) if name in _OPTIONS else name for name in names]


def in_session(session_names: Sequence[str], requested: Sequence[str]) -> tuple[str, ...]:
    """The providers that a session says it uses, by the names that they were requested by."""
    by_own_name = {_own_name(name): name for name in requested}
    return tuple(by_own_name.get(name, name) for name in session_names)


def on_cuda(names: Sequence[str]) -> bool:
    """Whether CUDA is among them, in whatever precision."""
    return any(_own_name(name) == CUDA for name in names)


def of_onnx_runtime(name: str) -> bool:
    """Whether it is a provider of ONNX Runtime, not what else may run a model."""
    return _own_name(name).endswith("ExecutionProvider")


def _own_name(name: str) -> str:
    return name.split(maxsplit=1)[0]
