"""Writes the page, the same as JSON, and the manifest."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from misure_onnx.errors import OutputError
from misure_onnx.files import encode_json, write_whole
from misure_onnx.report.document import document
from misure_onnx.report.manifest import MANIFEST, write_manifest
from misure_onnx.report.templates import environment

PAGE = "report.html"


@dataclass(frozen=True)
class Written:
    """Where page, JSON and manifest lie, what the JSON holds, and the manifest's own sha256."""

    page: Path
    record: Path
    manifest: Path
    document: dict[str, Any]
    manifest_sha256: str


def write_report(audit: Path, out: Path | None = None, seed: int = 0) -> Written:
    """Reports on an audit.

    Args:
        audit: the folder that `misure audit` wrote; the manifest is written into it.
        out: the page, whose JSON lies beside it; None: `report.html` in the audit's folder.
        seed: of intervals and folds.

    Raises:
        InputError: no audit.
        OutputError: a file cannot be written, or jinja2 is not installed.
    """
    page = out or audit / PAGE
    if page.is_dir() or not page.name:
        raise OutputError(f"the report's page {str(page)!r} is a directory: name a file, as NAME.html")
    record = page.with_suffix(".json")
    if record in {page, audit / "audit.json"}:
        raise OutputError(f"the report's JSON would be written over {str(record)!r}: name the page NAME.html")
    found = document(audit, seed)
    content = render(found)
    write_whole(record, encode_json(found))
    write_whole(page, content.encode())
    return Written(page, record, audit / MANIFEST, found, write_manifest(audit))


def render(found: dict[str, Any]) -> str:
    """The page; every value is escaped, since names come from files that others wrote.

    Raises:
        OutputError: jinja2 is not installed.
    """
    pages = environment()
    pages.filters.update(estimate=_estimate, number=_number, as_json=_as_json)
    source = Path(__file__).with_name("page.html.j2").read_text(encoding="utf-8")
    page: str = pages.from_string(source).render(found)
    return page


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.3g}"


def _estimate(found: dict[str, Any] | None) -> str:
    if found is None:
        return "-"
    interval = found["interval"]
    bounds = "" if interval is None else f" [{_number(interval[0])}, {_number(interval[1])}]"
    return _number(found["value"]) + bounds


def _as_json(value: Any) -> str:
    return json.dumps(value, indent=1, ensure_ascii=False)
