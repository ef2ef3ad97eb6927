"""Where a figure was measured: what goes into every committed result."""

from misure_onnx.machine import describe_machine

__all__ = ["describe_machine"]
