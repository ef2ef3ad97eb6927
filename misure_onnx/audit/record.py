"""`audit.json`: what was audited, how, with what, and what became of it."""

import dataclasses
import hashlib
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from misure_onnx.audit.columns import SCHEMA, Row
from misure_onnx.audit.datasets import Dataset
from misure_onnx.audit.settings import AuditSettings, method_record
from misure_onnx.machine import describe_machine
from misure_onnx.segmenter import Identity

RECORD = "audit.json"
RECORD_SCHEMA = "misure-onnx/audit-run/1"


@dataclass
class Tally:
    """Counted while rows pass by.

    Attributes:
        computed: shards written by this run.
        interrupted: shards that killed processes had begun.
        rows: of the table.
        statuses: rows by their status.
    """

    computed: int = 0
    interrupted: int = 0
    rows: int = 0
    statuses: Counter[str] = field(default_factory=Counter)
    _data: Any = field(default_factory=hashlib.sha256)
    _last: tuple[Any, ...] = ()

    def count(self, row: Row) -> None:
        """Adds a row; rows of one image follow each other."""
        self.rows += 1
        self.statuses[row["status"]] += 1
        if (mark := (row["image"], row["image_sha256"])) != self._last:
            self._data.update(f"{mark[0]}\0{mark[1]}\n".encode())
            self._last = mark

    @property
    def data_sha256(self) -> str:
        """Of all names and contents of the images, in their order."""
        return str(self._data.hexdigest())


def record(
    dataset: Dataset, settings: AuditSettings, identity: Identity, tally: Tally, ran: dict[str, Any]
) -> dict[str, Any]:
    """The document of `audit.json`; `ran` is about this run alone and differs from one to the next."""
    shards = len(dataset.samples) * len(settings.methods)
    return {
        "schema": RECORD_SCHEMA,
        "table_schema": SCHEMA,
        "model": {
            "file": settings.model,
            "sha256": identity.model_sha256,
            "opset": identity.opset,
            "providers_used": list(identity.providers_used),
            "notes": list(identity.notes),
            "server": None if identity.server is None else dataclasses.asdict(identity.server),
        },
        "data": {
            "path": str(dataset.path),
            "images_folder": None if dataset.images_folder is None else str(dataset.images_folder),
            "format": dataset.format,
            "images": len(dataset.samples),
            "sha256": tally.data_sha256,
        },
        "question": settings.question(),
        "methods": [method_record(method) for method in settings.methods],
        "results": {"rows": tally.rows, "by_status": dict(sorted(tally.statuses.items()))},
        "machine": describe_machine(),
        "run": {
            **ran,
            "shards": {
                "total": shards,
                "computed": tally.computed,
                "reused": shards - tally.computed,
                "interrupted": tally.interrupted,
            },
        },
    }
