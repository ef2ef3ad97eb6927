"""Where something was measured or computed."""

import importlib.metadata
import platform
from pathlib import Path
from typing import Any

from misure_onnx.processors import usable_cores

_PACKAGES = (
    "misure-onnx",
    "onnxruntime-gpu",
    "onnxruntime",
    "openvino",
    "onnx",
    "torch",
    "numpy",
    "opencv-python-headless",
)


def describe_machine() -> dict[str, Any]:
    """Processor, cores and versions; goes into every committed result and audit."""
    versions = {}
    for package in _PACKAGES:
        try:
            versions[package] = importlib.metadata.version(package)
        except importlib.metadata.PackageNotFoundError:
            continue
    return {
        "processor": _processor(),
        "cores": usable_cores(),
        "system": platform.system(),
        "python": platform.python_version(),
        "versions": versions,
    }


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor()
    return next((line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")), platform.machine())
