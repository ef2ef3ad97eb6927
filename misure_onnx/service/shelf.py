"""The models that a worker holds in memory, and what it says about them."""

import json
import threading
from collections import OrderedDict
from collections.abc import Mapping
from typing import Any

from misure_onnx import __version__
from misure_onnx.classes import assumed_background
from misure_onnx.errors import MisureError
from misure_onnx.segmenter import Segmenter
from misure_onnx.service.database import Database
from misure_onnx.service.registry import ModelEntry, without_folders


class Shelf:
    """Loads a model when it is first asked for, and keeps the few that were used last.

    Args:
        registry: all models.
        provider: as for `load_segmenter`.
        most: models kept.
    """

    def __init__(self, registry: Mapping[str, ModelEntry], provider: str, most: int) -> None:
        self._registry, self._provider, self._most = registry, provider, most
        self._loaded: OrderedDict[str, Segmenter] = OrderedDict()
        self._lock = threading.Lock()

    def take(self, model_id: str) -> Segmenter:
        """The model, loaded.

        Raises:
            MisureError: it cannot be loaded, or is not there any more.
        """
        with self._lock:
            if model_id not in self._loaded:
                if model_id not in self._registry:
                    raise MisureError(f"model {model_id} is not in the registry any more")
                self._loaded[model_id] = self._registry[model_id].loaded(self._provider)
            self._loaded.move_to_end(model_id)
            while len(self._loaded) > self._most:
                self._loaded.popitem(last=False)
            return self._loaded[model_id]

    def describe_all(self, database: Database) -> None:
        """Writes what every model takes and gives, where that is not known yet."""
        for entry in self._registry.values():
            described_as = f"{entry.described_as} {self._provider} {__version__}"
            with database.reading() as connection:
                known = connection.execute(
                    "SELECT 1 FROM model WHERE id = ? AND described_as = ?", (entry.id, described_as)
                ).fetchone()
            if known is None:
                described = json.dumps(self._described(entry))
                with database.writing() as connection:
                    connection.execute(
                        "INSERT OR REPLACE INTO model(id, described_as, description) VALUES (?, ?, ?)",
                        (entry.id, described_as, described),
                    )

    def _described(self, entry: ModelEntry) -> dict[str, Any]:
        try:
            segmenter = self.take(entry.id)
        except MisureError as error:
            return {"error": without_folders(str(error), self._registry)}
        spec, identity = segmenter.spec, segmenter.identity
        return {
            "classes": [{"index": k, "name": spec.class_name(k)} for k in range(spec.classes)],
            "background": assumed_background(spec),
            "output": spec.head.kind,
            "channels": spec.channels,
            "size": None if spec.size is None else list(spec.size),
            "volume": spec.rank == 3,
            "opset": identity.opset,
            "providers_used": list(identity.providers_used),
            "source": spec.preprocessing.source,
            "licence": spec.preprocessing.licence,
            "notes": list(identity.notes),
        }


def descriptions(database: Database) -> dict[str, dict[str, Any]]:
    """What workers have written so far, by the models' ids."""
    with database.reading() as connection:
        return {row[0]: json.loads(row[1]) for row in connection.execute("SELECT id, description FROM model")}
