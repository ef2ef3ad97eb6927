"""Sessions of ONNX Runtime: quiet, never falling back by themselves, with errors a person can read."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import onnx
import onnxruntime as ort

from misure_onnx.errors import ModelError, ProviderError
from misure_onnx.execution_providers import CPU, for_session
from misure_onnx.graph.graph_backed import Run
from misure_onnx.processors import usable_cores
from misure_onnx.session_options import SILENT, session_options
from misure_onnx.types import AnyArray

_INTERNALS = re.compile(
    r"\[ONNXRuntimeError\] : \d+ : \w+ : |Load model from .*? failed:|/onnxruntime_src/\S+:\d+ .*?\) (?=\S)"
)
"""What ONNX Runtime's errors say about its own source."""


class Session(Protocol):
    """What a segmenter needs of a session of ONNX Runtime, or of what stands in for one."""

    def get_outputs(self) -> Sequence[Any]:
        """The outputs, each with a `name`."""

    def run(self, names: Sequence[str], feeds: Mapping[str, AnyArray]) -> Sequence[Any]:
        """Outputs by name, for inputs by name; may be called by several threads."""


@dataclass(frozen=True)
class Runtime:
    """Where forwards run.

    Attributes:
        session: for one call after the other, with all processors.
        requested, used: for the provenance.
        notes: what was chosen for the user.
        workers: calls at the same time that run best.
        batch_size: images a call that run best.
    """

    session: Session
    requested: tuple[str, ...]
    used: tuple[str, ...]
    notes: tuple[str, ...]
    workers: int
    batch_size: int


def create_session(
    model: Path | onnx.ModelProto,
    choice: str,
    requested: tuple[str, ...],
    *,
    workers: int = 1,
    allow_cpu_nodes: bool = True,
) -> ort.InferenceSession:
    """A session; on the CPU where another provider fails and the user left the choice.

    ONNX Runtime's own fallback is off: it writes to stdout, and would change the provider between two runs.

    Args:
        model: a file, or a graph in memory.
        choice: what the user asked for: `auto`, or a provider.
        requested: the providers to ask for.
        workers: calls at the same time, each of which gets its share of the processors.
        allow_cpu_nodes: whether single nodes may run on the CPU where another provider has no kernel for them.

    Raises:
        ModelError: ONNX Runtime cannot load the model.
        ProviderError: the provider that the user named cannot run it.
    """
    ort.set_default_logger_severity(SILENT)  # of what is logged outside sessions: libraries that do not load
    options = session_options(max(1, usable_cores() // workers))
    if not allow_cpu_nodes:
        options.add_session_config_entry("session.disable_cpu_ep_fallback", "1")
        requested = tuple(name for name in requested if name != CPU) or requested
    source, name = (str(model), str(model)) if isinstance(model, Path) else (model.SerializeToString(), "the graph")
    try:
        return ort.InferenceSession(source, options, providers=for_session(requested), enable_fallback=0)
    except Exception as error:
        if len(requested) == 1:
            raise ModelError(
                f"onnxruntime {ort.__version__} cannot load {name}: {first_line(error)}; export it again with "
                "operators and an opset that this version has"
            ) from error
        on_cpu = create_session(model, choice, (CPU,), workers=workers)
        if choice == "auto":
            return on_cpu
        raise ProviderError(
            f"{requested[0]} was asked for, but cannot run {name}: {first_line(error)}; "
            "use --provider auto to accept the CPU"
        ) from error


def run_of(session: Session, name: str) -> Run:
    """What runs an edited copy of the file `name`; it raises a `ModelError` where that fails."""

    def run(names: Sequence[str], feeds: Mapping[str, AnyArray]) -> list[AnyArray]:
        try:
            return list(session.run(list(names), dict(feeds)))
        except Exception as error:
            raise ModelError(f"ONNX Runtime could not run an edited {name}: {first_line(error)}") from error

    return run


def first_line(error: Exception) -> str:
    """What ONNX Runtime says, without what it says about its own source."""
    lines = _INTERNALS.sub("", str(error)).strip().splitlines()
    return lines[0] if lines else type(error).__name__
