"""The results as a document: every graph in a row, and the counts above them."""

import json
import statistics
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from benchmarks.coverage.verdict import (
    AGREEMENT_BOUND,
    BETWEEN_ROUTES_BOUND,
    DIRECTIONAL_BOUND,
    FORWARD_BOUND,
    GRADIENT_BOUND,
    RUNTIME_FACTOR,
    verdict,
)

ROUTES = ("torch", "onnx_gradient")
_DATA = "data/"


def document(results: Path) -> str:
    """The text of `docs/coverage.md`."""
    recorded = json.loads(results.read_text(encoding="utf-8"))
    rows = list(recorded["rows"].values())
    exported = [row for row in rows if "export_error" not in row]
    zoo = [row for row in exported if not row["model"].startswith(_DATA)]
    trained = [row for row in exported if row["model"].startswith(_DATA)]
    parts = [
        _introduction(recorded["machine"]),
        _summary(zoo, trained),
        "## Networks\n\n" + _networks_table(zoo),
        "## Exported graphs\n\n" + _zoo_table(zoo),
        "## Trained files\n\n" + _trained_table(trained),
        _not_right(exported),
        _not_exported([row for row in rows if "export_error" in row]),
    ]
    return "\n".join(part for part in parts if part)


def counts(rows: Iterable[dict[str, Any]], route: str) -> dict[str, int]:
    """How many rows have which verdict."""
    verdicts = [verdict(row, route) for row in rows]
    return {name: verdicts.count(name) for name in ("right", "refused", "wrong")}


def time_ratios(rows: Iterable[dict[str, Any]], route: str, to: str) -> list[float]:
    """Forward and backward of a route over another entry of `seconds`, where both were timed."""
    seconds = [row["seconds"] for row in rows]
    return [entry[route] / entry[to] for entry in seconds if route in entry and to in entry]


def _introduction(machine: dict[str, Any]) -> str:
    versions = ", ".join(f"{name} {version}" for name, version in sorted(machine["versions"].items()))
    return f"""# Coverage of the gradient routes

Written by `python -m benchmarks.coverage --table docs/coverage.md` from `benchmarks/results/coverage.json`; a test
compares the two. Networks are built with random weights and calibrated batch normalisation, exported, judged and
deleted; nothing is downloaded.

- **forward**: largest difference of the scores from ONNX Runtime's, as a share of the largest score. Right up to
  {FORWARD_BOUND["fp32"]:.0e} (fp32) and {FORWARD_BOUND["fp16"]:.0e} (fp16). int8: the share of pixels with the same
  class; right from {AGREEMENT_BOUND:.1%}, or where at most {RUNTIME_FACTOR} times as many pixels differ as between ONNX
  Runtime with and without its optimisations.
- **gradient**: relative L2 distance from the source network's gradient in float64. Right up to
  {GRADIENT_BOUND["fp32"]:.0e} (fp32); fp16 up to {GRADIENT_BOUND["fp16"]:.2f}, since exporters round weights once more,
  and the two routes within {BETWEEN_ROUTES_BOUND:.0e} of each other.
- **noise**: the same distance of the source framework's own float32 gradient: kinks of ReLU and max-pooling flip.
- **time**: forward + backward over the source framework's with frozen weights; one thread, medians taken in turns.
- **two images**: what the file does when it is fed two at once → whether the library gives each its own scores.

int8 files are quantised into QuantizeLinear/DequantizeLinear pairs; their gradient is straight-through, so its
distance from the float network's says what quantisation changed.

Trained files that TensorFlow wrote went through tf2onnx; the table of trained files names each writer.

Measured on {machine["processor"]} ({machine["cores"]} core used), {machine["system"]}, Python {machine["python"]};
{versions}.
"""


def _summary(zoo: Sequence[dict[str, Any]], trained: Sequence[dict[str, Any]]) -> str:
    lines = _header(
        "route", "exported graphs", "right", "refused", "wrong", "trained files right", "time / source (median)",
        "time / bridge (median)",
    )  # fmt: skip
    for route in ROUTES:
        found = counts(zoo, route)
        own = counts(trained, route)
        lines.append(
            f"| `{route}` | {len(zoo)} | {found['right']} | {found['refused']} | {found['wrong']} "
            f"| {own['right']} of {len(trained)} | {_median(time_ratios(zoo, route, 'source'))} "
            f"| {_median(time_ratios([*zoo, *trained], route, 'torch'))} |"
        )
    return "\n".join(lines) + "\n"


def _median(values: list[float]) -> str:
    return f"{statistics.median(values):.2f}" if values else "-"


def _networks_table(rows: Sequence[dict[str, Any]]) -> str:
    lines = _header(
        "family", "network", "graphs", "bridge: right", "worst fp32 gradient", "gradient graph: right",
        "worst fp32 gradient", "noise",
    )  # fmt: skip
    for name in dict.fromkeys(row["model"] for row in rows):
        own = [row for row in rows if row["model"] == name]
        cells = [own[0]["family"], name, str(len(own))]
        for route in ROUTES:
            found = [row["routes"][route].get("gradient") for row in own if row["precision"] == "fp32"]
            worst = max((value for value in found if value is not None), default=None)
            cells += [str(counts(own, route)["right"]), _number(worst)]
        noise = next((row["source_noise"] for row in own if row["source_noise"] is not None), None)
        lines.append(f"| {' | '.join([*cells, _number(noise)])} |")
    return "\n".join(lines) + "\n"


def _zoo_table(rows: Sequence[dict[str, Any]]) -> str:
    lines = _header(
        "family", "network", "exporter", "opset", "precision", "batch axis", "bridge: forward", "gradient", "time",
        "gradient graph: forward", "gradient", "time", "noise", "two images",
    )  # fmt: skip
    for row in rows:
        cells = [
            row["family"], row["model"], row["exporter"], str(row["true_opset"]), row["precision"],
            "free" if row["free_batch"] else "1", *_route_cells(row, "torch"), *_route_cells(row, "onnx_gradient"),
            _number(row["source_noise"]), _batch(row),
        ]  # fmt: skip
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


def _route_cells(row: dict[str, Any], route: str) -> list[str]:
    found = row["routes"][route]
    if "error" in found:
        return ["refused", "-", "-"]
    forward = f"{found['agreement']:.2%} agree" if row["precision"] == "int8" else _number(found["forward"])
    gradient = found.get("gradient", found.get("directional"))
    mark = " **wrong**" if verdict(row, route) == "wrong" else ""
    seconds = row["seconds"]
    time = f"{seconds[route] / seconds['source']:.2f}" if "source" in seconds else "-"
    return [forward + mark, _number(gradient), time]


def _trained_table(rows: Sequence[dict[str, Any]]) -> str:
    """Without a source framework: differences, and the time of the gradient graph over the bridge's."""
    lines = [
        f"""There is no source network here: the gradient is compared with a central difference through ONNX Runtime
(≤ {DIRECTIONAL_BOUND}) and between the routes (≤ {BETWEEN_ROUTES_BOUND:.0e}).
"""
    ]
    lines += _header(
        "file", "written by", "opset", "bridge: forward", "difference", "gradient graph: forward", "difference",
        "between routes", "time / bridge", "two images",
    )  # fmt: skip
    for row in rows:
        ratio = time_ratios([row], "onnx_gradient", "torch")
        bridge, graph = (_route_cells(row, route)[:2] for route in ROUTES)
        name = row["family"] if row["precision"] == "fp32" else f"{row['family']} ({row['precision']})"
        cells = [
            name, row["exporter"], str(row["true_opset"]), *bridge, *graph, _number(row["between_routes"]),
            _median(ratio), _batch(row),
        ]  # fmt: skip
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


def _header(*names: str) -> list[str]:
    return [f"| {' | '.join(names)} |", "|---" * len(names) + "|"]


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.0e}"


def _batch(row: dict[str, Any]) -> str:
    file, library = row["batch"]["file"], row["batch"]["library"]
    if library is None:
        return f"{file} → not measured"
    return f"{file} → {'own scores' if library <= FORWARD_BOUND.get(row['precision'], 2e-2) else '**mixed**'}"


def _not_right(rows: Sequence[dict[str, Any]]) -> str:
    lines = [
        f"- {row['model']}, {row['exporter']} opset {row['opset']} {row['precision']}, `{route}`: "
        f"{row['routes'][route].get('error', 'beyond a bound')}"
        for row in rows
        for route in ROUTES
        if verdict(row, route) != "right"
    ]
    return "## Not right\n\n" + "\n".join(lines) + "\n" if lines else ""


def _not_exported(rows: Sequence[dict[str, Any]]) -> str:
    """These say nothing about the routes: the exporter itself gave up."""
    lines = [f"- {row['model']}, {row['exporter']} opset {row['opset']}: {row['export_error']}" for row in rows]
    return "## What the exporters refused\n\n" + "\n".join(lines) + "\n" if lines else ""
