"""A session of ONNX Runtime for a gradient graph."""

import onnx
import onnxruntime as ort

from misure_onnx.errors import GradientError
from misure_onnx.execution_providers import CPU, for_session, of_onnx_runtime
from misure_onnx.session_options import session_options


def gradient_session(
    graph: onnx.ModelProto, providers: tuple[str, ...], threads: int | None = None
) -> ort.InferenceSession:
    """A session on the providers of ONNX Runtime that run the deployed model.

    Args:
        graph: with its weights.
        providers: what runs the deployed model; where ONNX Runtime does not, the CPU.
        threads: of ONNX Runtime; None: the processors this process may use.

    Raises:
        GradientError: ONNX Runtime cannot run the graph there.
    """
    options = session_options(threads)
    chosen = [name for name in providers if of_onnx_runtime(name)] or [CPU]
    try:
        return ort.InferenceSession(
            graph.SerializeToString(), options, providers=for_session(chosen), enable_fallback=0
        )
    except Exception as error:
        raise GradientError(f"ONNX Runtime cannot run the gradient graph on {', '.join(chosen)}: {error}") from error
