"""Everything that a report says, as one document; the page shows it and adds nothing."""

import dataclasses
import json
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from misure_onnx.audit.columns import Row
from misure_onnx.audit.record import RECORD
from misure_onnx.audit.table import TABLE, read_rows, table_in
from misure_onnx.errors import InputError
from misure_onnx.file_hash import sha256_of
from misure_onnx.report import gallery, results
from misure_onnx.report.frameworks import CAUTION, SUPPORTS
from misure_onnx.report.plots import distributions
from misure_onnx.report.trust import FEATURES, THRESHOLD, trust

SCHEMA = "misure-onnx/report/1"
_MOST_FAILURES = 50
LIMITS = (
    (
        "Regions are sufficient for this model with the baselines that were used, as found by a search: other regions "
        "may serve as well, and a region that serves is not what the model looked at."
    ),
    "Objects that the model did not predict have no explanation. Their absence is not seen here.",
    (
        "Intervals are 95 % percentile intervals of 1000 draws of whole groups (patients, else images). They say "
        "nothing about images of another kind than those audited, and with few groups they are too narrow."
    ),
    "Cases are chosen by their numbers: the best and worst are extremes and not typical.",
    "Hashes show that files have changed since, and not who wrote them; keep the manifest's own sha256 elsewhere.",
)


def document(audit: Path, seed: int = 0) -> dict[str, Any]:
    """What `report.json` holds.

    Args:
        audit: the folder that `misure audit` wrote.
        seed: of intervals and folds.

    Raises:
        InputError: no audit, or one without its record.
    """
    table_in(audit)
    record = _record(audit)
    found = results.results(read_rows(audit, results.COLUMNS), seed)
    cases = gallery.gallery(audit, read_rows(audit, gallery.COLUMNS))
    failures, failed = _failures(read_rows(audit, ("image", "class_name", "class_index", "method", "status", "error")))
    methods = list(dict.fromkeys(one.method for one in found))
    return {
        "schema": SCHEMA,
        "seed": seed,
        "subject": {
            "model": record["model"],
            "data": record["data"],
            "files": {name: sha256_of(audit / name) for name in (TABLE, RECORD)},
        },
        "how": {"methods": record["methods"], "question": record["question"]},
        "results": {
            "rows": record["results"]["rows"],
            "by_status": record["results"]["by_status"],
            "classes": [_plain(one) for one in found],
            "distributions": distributions(found),
        },
        "cases": [dataclasses.asdict(case) for case in cases],
        "reliability": {"features": FEATURES, "dice_threshold": THRESHOLD, "classes": trust(audit, methods, seed)},
        "failures": {"count": failed, "by_reason": failures},
        "limits": list(LIMITS),
        "environment": {"machine": record["machine"], "run": record["run"]},
        "frameworks": {"caution": CAUTION, "sections": [dataclasses.asdict(one) for one in SUPPORTS]},
    }


def _record(audit: Path) -> dict[str, Any]:
    place = audit / RECORD
    try:
        found: dict[str, Any] = json.loads(place.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise InputError(f"{str(place)!r} cannot be read as the record of an audit: {error}") from error
    needed = ("model", "data", "methods", "question", "results", "machine", "run")
    if not isinstance(found, dict) or any(name not in found for name in needed):
        raise InputError(f"{str(place)!r} is no record of an audit: expected {', '.join(needed)}")
    return found


def _plain(one: results.ClassResults) -> dict[str, Any]:
    return {
        "label": one.label,
        "method": one.method,
        "count": one.count,
        "groups": one.groups,
        "medians": {name: dataclasses.asdict(found) if found else None for name, found in one.medians.items()},
        "passed": dataclasses.asdict(one.passed) if one.passed else None,
    }


def _failures(rows: Iterator[Row]) -> tuple[list[dict[str, Any]], int]:
    """The reasons, the most frequent first, with an example of each; and how many rows have one."""
    counts, examples = Counter[tuple[str, str]](), dict[tuple[str, str], str]()
    for row in rows:
        if row["error"] is not None:
            reason = (row["status"], row["error"])
            counts[reason] += 1
            examples.setdefault(reason, row["image"])
    common = sorted(counts.items(), key=lambda one: (-one[1], one[0]))[:_MOST_FAILURES]
    told = [
        {"status": key[0], "error": key[1], "count": count, "example": examples[key]} for key, count in common
    ]  # fmt: skip
    return told, counts.total()
