"""How many threads the libraries of a worker start."""

from misure_onnx.processors import THREADS

_VARIABLES = (THREADS, "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")


def thread_variables(threads: int) -> dict[str, str]:
    """Environment variables that must be set before numpy, torch and ONNX Runtime are imported."""
    return {**dict.fromkeys(_VARIABLES, str(threads)), "GOMP_SPINCOUNT": "20000"}
