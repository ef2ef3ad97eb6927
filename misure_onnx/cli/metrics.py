"""`misure metrics`: every metric, its parameters and what it needs."""

import argparse
import dataclasses
from typing import TYPE_CHECKING, Any

from misure_onnx.cli.output import write_json, write_line

if TYPE_CHECKING:
    from misure_onnx.metrics.base import Metric

HELP = "list the metrics, their parameters and what they need"


def configure(parser: argparse.ArgumentParser) -> None:
    """The command's arguments."""
    parser.add_argument("--json", action="store_true", help="one JSON document on stdout and nothing else")


def run(arguments: argparse.Namespace) -> int:
    """Lists the registry."""
    from misure_onnx.metrics import METRICS  # noqa: PLC0415 - `--help` must start fast

    described = [describe(name, metric) for name, metric in METRICS.items()]
    if arguments.json:
        write_json(described)
        return 0
    for metric in described:
        write_line(f"{metric['name']}: {metric['summary']}")
        better = "higher" if metric["higher_is_better"] else "lower"
        write_line(f"  {better} is better; unit: {metric['unit']}; needs: {metric['needs']}")
        write_line(f"  source: {metric['source']}")
        for name, value in metric["parameters"].items():
            write_line(f"  --metric-set {metric['name']}.{name}={value}")
        write_line()
    return 0


def describe(name: str, metric: "type[Metric]") -> dict[str, Any]:
    """One metric as JSON."""
    return {
        "name": name,
        "summary": metric.summary,
        "higher_is_better": metric.higher_is_better,
        "unit": metric.unit,
        "needs": metric.needs,
        "source": metric.source,
        "parameters": {field.name: field.default for field in dataclasses.fields(metric)},  # type: ignore[arg-type]
    }
