"""The results file: rows that are kept, so that an interrupted run goes on where it stopped."""

import json
from pathlib import Path
from typing import Any

from benchmarks.results_file import write_results
from misure_onnx.installed import versions_of
from misure_onnx.machine import describe_machine

_LIBRARIES = ("torchvision", "segmentation_models_pytorch", "transformers", "monai", "timm", "onnxscript")


class Results:
    """Rows by name; written after every one."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self.rows: dict[str, Any] = {}
        if path.exists():
            self.rows = json.loads(path.read_text(encoding="utf-8"))["rows"]

    def add(self, name: str, row: dict[str, Any]) -> None:
        """Keeps a row, and where it was measured."""
        self.rows[name] = row
        machine = describe_machine()
        machine["versions"] |= versions_of(_LIBRARIES)
        document = {"machine": machine, "rows": dict(sorted(self.rows.items()))}
        write_results(self._path, document)
