"""Where a segmenter's forwards run. One file a backend, one line here."""

import os

# From 1.27 on, ONNX Runtime reports use to its vendor and keeps an identifier in the home directory unless told not to
# before it is imported. Whoever wants that sets the variable to 0.
os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")

from misure_onnx.backends.onnx_runtime import OnnxRuntimeSegmenter  # noqa: E402
from misure_onnx.backends.python_function import PythonFunctionSegmenter  # noqa: E402

BACKENDS = {
    "onnx_runtime": OnnxRuntimeSegmenter,
    "python_function": PythonFunctionSegmenter,
}
