"""What the library is compared with: a session of ONNX Runtime, and the seconds of one call."""

import time
from collections.abc import Callable

import onnxruntime as ort


def bare_session(model: str | bytes, threads: int) -> ort.InferenceSession:
    """On the CPU with so many threads, and nothing said below an error."""
    options = ort.SessionOptions()
    options.intra_op_num_threads = threads
    options.log_severity_level = 3
    return ort.InferenceSession(model, options, providers=["CPUExecutionProvider"])


def seconds_of(run: Callable[[], object]) -> float:
    """Wall time of one call."""
    start = time.perf_counter()
    run()
    return time.perf_counter() - start
