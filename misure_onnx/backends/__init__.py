"""Where a segmenter's forwards run. One file a backend, one line here."""

import os

# Recent versions of ONNX Runtime report their use to the vendor and keep an identifier in the home directory, unless
# told not to before they are imported. Whoever wants that sets the variable to 0.
os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")

from misure_onnx.backends.onnx_runtime import OnnxRuntimeSegmenter
from misure_onnx.backends.open_inference import OpenInferenceSegmenter
from misure_onnx.backends.openvino import OpenVinoSegmenter
from misure_onnx.backends.python_function import PythonFunctionSegmenter

BACKENDS = {
    "onnx_runtime": OnnxRuntimeSegmenter,
    "open_inference": OpenInferenceSegmenter,
    "openvino": OpenVinoSegmenter,
    "python_function": PythonFunctionSegmenter,
}
