"""`misure methods`: every method, its parameters, defaults and presets."""

import argparse
import dataclasses
from typing import TYPE_CHECKING, Any

from misure_onnx.cli.output import write_json, write_line

if TYPE_CHECKING:
    from misure_onnx.methods.base import Method

HELP = "list the methods, their parameters and what they need from the model"


def configure(parser: argparse.ArgumentParser) -> None:
    """The command's arguments."""
    parser.add_argument("--json", action="store_true", help="one JSON document on stdout and nothing else")


def run(arguments: argparse.Namespace) -> int:
    """Lists the registry."""
    from misure_onnx.methods import METHODS  # noqa: PLC0415 - `--help` must start fast
    from misure_onnx.methods.base import spelled  # noqa: PLC0415

    described = [describe(method) for method in METHODS.values()]
    if arguments.json:
        write_json(described)
        return 0
    for method in described:
        write_line(f"{method['name']}: {method['summary']}")
        write_line(f"  needs: {method['needs']}")
        if method["presets"]:
            write_line(f"  presets: {', '.join(method['presets'])} (default: {method['default_preset']})")
        if method["routes"]:
            write_line(f"  routes: {', '.join(method['routes'])}")
        for name, value in method["parameters"].items():
            write_line(f"  --set {name}={spelled(value)}")
        write_line()
    return 0


def describe(method: "type[Method]") -> dict[str, Any]:
    """One method as JSON."""
    return {
        "name": method.name,
        "summary": method.summary,
        "needs": method.needs(),
        "parameters": {field.name: field.default for field in dataclasses.fields(method)},  # type: ignore[arg-type]
        "presets": {name: dict(values) for name, values in method.PRESETS.items()},
        "default_preset": method.DEFAULT_PRESET,
        "routes": list(method.ROUTES),
    }
