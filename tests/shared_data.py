"""Real models and pictures that lie beside the project, never in it; see `README.md` there."""

import json
import os
from pathlib import Path
from typing import Any

import pytest

_BESIDE_THE_PROJECT = Path(__file__).resolve().parents[2] / "shared" / "data"


def find_shared_data() -> Path | None:
    """The folder in `MISURE_DATA`, else the one beside the project; None where there is none."""
    folder = Path(os.environ.get("MISURE_DATA", _BESIDE_THE_PROJECT))
    return folder if (folder / "manifest.json").is_file() else None


def shared_data() -> Path:
    """The folder; skips the test where there is none."""
    folder = find_shared_data()
    if folder is None:
        pytest.skip(f"no real models: neither MISURE_DATA nor {_BESIDE_THE_PROJECT} has a manifest.json")
    return folder


def manifest() -> dict[str, Any]:
    """What lies in the folder: models, files and triples (picture, model, class)."""
    entries: dict[str, Any] = json.loads((shared_data() / "manifest.json").read_text(encoding="utf-8"))
    return entries
