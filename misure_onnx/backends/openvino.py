"""An ONNX file whose forwards run in OpenVINO, on the processors of this machine.

OpenVINO rounds to bfloat16 by itself where a processor has it, which is another model than the file says; here 32 bits
are the default, and 16 are what somebody asked for by name.
"""

import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import onnx

from misure_onnx.backends.fused_scoring import FusedScorer
from misure_onnx.backends.onnx_runtime import OnnxRuntimeSegmenter
from misure_onnx.backends.session import Runtime, Session, create_session, run_of
from misure_onnx.backends.workers import most_workers
from misure_onnx.errors import ModelError, ProviderError, UnsupportedModel
from misure_onnx.execution_providers import CPU
from misure_onnx.graph.graph_backed import Run
from misure_onnx.processors import usable_cores
from misure_onnx.segmenter import Segmenter
from misure_onnx.target import ResolvedTarget
from misure_onnx.types import AnyArray, Images

PRECISIONS = {"openvino": "f32", "openvino-bf16": "bf16"}
"""What a user asks for -> what OpenVINO computes with."""


class OpenVinoSegmenter(OnnxRuntimeSegmenter):
    """A segmenter whose forwards run in OpenVINO.

    What needs the graph itself (gradients, layers, cuts) runs in ONNX Runtime, and is compared with these forwards
    before it is used, as on every other backend.

    Args:
        path: the ONNX file.
        preprocessing: as for `OnnxRuntimeSegmenter`.
        provider: `openvino` (float32) or `openvino-bf16`.

    Raises:
        ProviderError: OpenVINO is not installed, or this processor cannot compute with bfloat16.
        ModelError: OpenVINO cannot load the file.
    """

    def full_precision(self) -> Segmenter | None:
        """The same model in float32, to compare with; None where it already is. See `ReducedPrecision`."""
        return None if PRECISIONS[self._provider] == "f32" else self._exact

    @cached_property
    def _exact(self) -> "OpenVinoSegmenter":
        return OpenVinoSegmenter(self.path, preprocessing=self.spec.preprocessing, provider="openvino")

    def fused_scorer(self, image: Images, target: ResolvedTarget) -> FusedScorer:
        """Scoring inside the graph is ONNX Runtime's.

        Raises:
            UnsupportedModel: always.
        """
        del image, target
        raise UnsupportedModel("scoring 'fused' runs in ONNX Runtime, forwards were asked for in OpenVINO: use plain")

    def run_edited(self, model: onnx.ModelProto) -> Run:
        """An edited copy of the file, in ONNX Runtime; see `GraphBacked`.

        Raises:
            ModelError: ONNX Runtime cannot load it, or, when called, cannot run it.
        """
        return run_of(create_session(model, "edited", (CPU,)), self.path.name)

    def _start(self, provider: str) -> Runtime:
        precision = PRECISIONS.get(provider)
        if precision is None:
            raise ProviderError(f"OpenVINO is asked for by {' or '.join(PRECISIONS)}, got {provider!r}")
        session = OpenVinoSession(self.path, precision)
        note = (
            f"forwards ran in OpenVINO {session.version} with {precision}; whatever needs the graph itself (gradients, "
            "layers) runs in ONNX Runtime"
        )
        return Runtime(session, (provider,), (f"OpenVINO CPU {precision}",), (note,), most_workers(), 1)

    def _start_shared(self) -> Session:
        return OpenVinoSession(self.path, PRECISIONS[self._provider], workers=self.spec.workers)


@dataclass(frozen=True)
class Output:
    """An output of a graph."""

    name: str


class OpenVinoSession:
    """What a segmenter needs of a session (see `Session`), by OpenVINO.

    Args:
        path: the ONNX file.
        precision: `f32` or `bf16`.
        workers: calls at the same time, each with its share of the processors.
    """

    def __init__(self, path: Path, precision: str, workers: int = 1) -> None:
        try:
            import openvino  # noqa: PLC0415 - optional
        except ImportError as error:
            raise ProviderError(
                "provider openvino needs OpenVINO: pip install 'misure-onnx[openvino]', or --provider cpu"
            ) from error
        self.version = openvino.__version__.split("-")[0]
        self._path, self._own = path, threading.local()
        options = {
            "INFERENCE_PRECISION_HINT": precision,
            "INFERENCE_NUM_THREADS": usable_cores(),
            "NUM_STREAMS": workers,
            "ENABLE_CPU_PINNING": False,  # processes that pin themselves to the same cores wait for each other
        }
        core = openvino.Core()
        if precision == "bf16" and "BF16" not in core.get_property("CPU", "OPTIMIZATION_CAPABILITIES"):
            raise ProviderError("this processor does not compute with bfloat16: take --provider openvino (float32)")
        try:
            self._compiled = core.compile_model(path, "CPU", options)
        except RuntimeError as error:
            raise ModelError(
                f"OpenVINO {self.version} cannot load {path.name}: {_reason(error)}; ONNX Runtime may: --provider cpu"
            ) from error

    def get_outputs(self) -> Sequence[Any]:
        """The outputs, each with a `name`."""
        return [Output(output.any_name) for output in self._compiled.outputs]

    def run(self, names: Sequence[str], feeds: Mapping[str, AnyArray]) -> list[AnyArray]:
        """Outputs by name, for inputs by name; every thread has a request of its own."""
        if not hasattr(self._own, "request"):
            self._own.request = self._compiled.create_infer_request()
        results = self._own.request.infer(dict(feeds))
        return [results[name] for name in names]


def _reason(error: RuntimeError) -> str:
    """Of all that OpenVINO says the line that names the operator, else the last one."""
    lines = [line.strip("- ") for line in str(error).splitlines() if line.strip()]
    return next((line for line in lines if line.startswith("No conversion rule")), lines[-1] if lines else "no reason")
