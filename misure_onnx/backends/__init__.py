"""Where a segmenter's forwards run. One file a backend, one line here."""

from misure_onnx.backends.onnx_runtime import OnnxRuntimeSegmenter
from misure_onnx.backends.python_function import PythonFunctionSegmenter

BACKENDS = {
    "onnx_runtime": OnnxRuntimeSegmenter,
    "python_function": PythonFunctionSegmenter,
}
