"""Where something was measured or computed."""

import platform
from pathlib import Path
from typing import Any

from misure_onnx.installed import numerical_versions
from misure_onnx.processors import usable_cores


def describe_machine() -> dict[str, Any]:
    """Processor, cores and versions; goes into every committed result and audit."""
    return {
        "processor": _processor(),
        "cores": usable_cores(),
        "system": platform.system(),
        "python": platform.python_version(),
        "versions": numerical_versions(),
    }


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor()
    return next((line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")), platform.machine())
