"""Real models and pictures that lie beside the project, never in it; see `README.md` there."""

import json
from pathlib import Path
from typing import Any

import pytest

from benchmarks.shared_data import Triple, data_directory, triples


def shared_data() -> Path:
    """The folder; skips the test where there is none."""
    folder = data_directory()
    if folder is None:
        pytest.skip("no real models: set MISURE_DATA to a directory that has a manifest.json")
    return folder


def manifest() -> dict[str, Any]:
    """What lies in the folder: models, files and triples (picture, model, class)."""
    entries: dict[str, Any] = json.loads((shared_data() / "manifest.json").read_text(encoding="utf-8"))
    return entries


def real_models() -> list[Any]:
    """A triple for every 2-D model, as test parameters; one skipped parameter where there is no folder."""
    if data_directory() is None:
        reason = "no real models: set MISURE_DATA to a directory that has a manifest.json"
        return [pytest.param(None, marks=pytest.mark.skip(reason=reason))]
    by_model: dict[Path, Triple] = {}
    for triple in triples():
        by_model.setdefault(triple.model, triple)
    return [pytest.param(triple, id=triple.model.stem) for triple in by_model.values()]
