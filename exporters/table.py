"""The parity table: the samples with random weights, measured, recorded, and put into a page."""

import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from misure_onnx.errors import InputError

RESULTS = Path("benchmarks/results/exporters.json")
BEGIN, END = "<!-- parity: written by `python -m exporters parity --table` -->", "<!-- end of parity -->"


def record(results: Path, name: str, row: dict[str, Any]) -> None:
    """Adds a row, and where it was measured."""
    from misure_onnx.machine import describe_machine  # noqa: PLC0415 - the table needs none of it

    rows = json.loads(results.read_text(encoding="utf-8"))["rows"] if results.is_file() else {}
    document = {"machine": describe_machine(), "rows": dict(sorted({**rows, name: row}.items()))}
    results.write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")


def measure_each(names: Sequence[str], results: Path) -> list[str]:
    """Measures every sample in a process of its own, since exporters keep memory; returns those that failed."""
    command = [sys.executable, "-W", "ignore", "-m", "exporters", "parity", "--out", str(results)]
    return [name for name in names if subprocess.run([*command, name], check=False).returncode]  # noqa: S603 - our own


def write_table(results: Path, page: Path) -> None:
    """Puts the table between the page's two marks.

    Raises:
        InputError: the page has no such marks.
    """
    text = page.read_text(encoding="utf-8")
    if BEGIN not in text or END not in text:
        raise InputError(f"{page} has no place for the table: {BEGIN} ... {END}")
    before, after = text.split(BEGIN)[0], text.split(END)[1]
    page.write_text(f"{before}{table_between_marks(results)}{after}", encoding="utf-8")


def table_between_marks(results: Path) -> str:
    """The marks, and the table with the machine under it."""
    document = json.loads(results.read_text(encoding="utf-8"))
    header = (
        "network", "MB", "opset", "several images", "deviation: random", "deviation: real", "same class",
        "float16: Dice", "int8: Dice",
    )  # fmt: skip
    lines = [f"| {' | '.join(header)} |", f"|{'---|' * len(header)}"]
    lines += [f"| {' | '.join(_cells(name, row))} |" for name, row in document["rows"].items()]
    machine = document["machine"]
    versions = ", ".join(f"{name} {version}" for name, version in sorted(_all_versions(document).items()))
    where = f"Measured on {machine['processor']}, {machine['system']}, Python {machine['python']}; {versions}."
    return "\n".join([BEGIN, "", *lines, "", where, END])


def _cells(name: str, row: dict[str, Any]) -> list[str]:
    found = row["parity"]
    both = (found["random"], found["real"])
    variants = [row["variants"].get(variant) for variant in ("float16", "int8")]
    return [
        f"`{name}`", f"{row['bytes'] / 1e6:.1f}", str(row["opset"]), found["several_images"],
        *(f"{part['largest_deviation']:.0e}" for part in both), f"{min(part['same_class'] for part in both):.2%}",
        *(_kept(variant["real"]) if variant else "-" for variant in variants),
    ]  # fmt: skip


def _kept(found: dict[str, float]) -> str:
    return f"{found['dice']:.3f} ({found['largest_deviation']:.0e})"


def _all_versions(document: dict[str, Any]) -> dict[str, str]:
    found: dict[str, str] = {}
    for row in document["rows"].values():
        found |= row["versions"]
    return found
