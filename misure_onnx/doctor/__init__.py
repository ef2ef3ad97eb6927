"""What is installed, what really loads, and what to do about it."""

import platform

from misure_onnx.doctor.check import Check
from misure_onnx.doctor.extras import extras
from misure_onnx.doctor.running import providers
from misure_onnx.doctor.shared_files import ONNX_RUNTIME, OPENCV


def examine() -> list[Check]:
    """Every check. None needs what another one finds missing."""
    return [
        Check("python", "ok", f"{platform.python_version()} on {platform.platform()}"),
        ONNX_RUNTIME.check(),
        OPENCV.check(),
        *providers(),
        *extras(),
    ]
