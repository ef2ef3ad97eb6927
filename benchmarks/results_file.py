"""The file that a figure is committed in."""

import json
from pathlib import Path
from typing import Any


def write_results(place: Path, document: Any) -> None:
    """The whole document as JSON, replaced at once: who stops a benchmark keeps what it has written before."""
    staging = place.with_suffix(".tmp")
    staging.write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")
    staging.replace(place)
