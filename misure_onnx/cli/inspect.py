"""`misure inspect MODEL`."""

import argparse
from typing import Any

from misure_onnx.cli.confined import add_untrusted_arguments
from misure_onnx.cli.output import table, write_json, write_line, write_notes
from misure_onnx.cli.remote import MODEL_HELP, add_remote_arguments, requested_remote
from misure_onnx.sizes import by

HELP = "show a model's inputs, outputs, layout, output kind, gradient route and its measured fidelity"


def configure(parser: argparse.ArgumentParser) -> None:
    """The command's arguments."""
    parser.add_argument("model", metavar="MODEL", help=MODEL_HELP)
    parser.add_argument("image", metavar="IMAGE", nargs="?", help="measure the gradient's fidelity on this image")
    parser.add_argument("--preprocess", metavar="PRESET|FILE", help="as for `misure explain`")
    parser.add_argument("--provider", default="auto", metavar="NAME", help="as for `misure explain`")
    parser.add_argument(
        "--layers", action="store_true", help="also list the layers that a class activation map can be taken from"
    )
    parser.add_argument(
        "--batches", action="store_true", help="also measure how many images a call run fastest, for --batch-size"
    )
    add_remote_arguments(parser)
    add_untrusted_arguments(parser)
    parser.add_argument("--json", action="store_true", help="one JSON document on stdout and nothing else")


def run(arguments: argparse.Namespace) -> int:
    """Inspects and prints."""
    from misure_onnx.inspection import inspect_model  # noqa: PLC0415 - `--help` must start fast

    found = inspect_model(
        arguments.model,
        arguments.preprocess,
        provider=arguments.provider,
        image=arguments.image,
        layers=arguments.layers,
        batches=arguments.batches,
        remote=requested_remote(arguments),
    )
    if arguments.json:
        write_json(found)
        return 0
    write_notes(found["notes"])
    for section in (name for name in found if name not in ("notes", "layers")):
        write_line(section)
        for name, value in found[section].items():
            write_line(f"  {name + ':':<22}{_text(value)}")
    if arguments.layers:
        write_line("layers")
        write_line(_table_of(found["layers"]))
    return 0


def _table_of(layers: dict[str, Any]) -> str:
    """One line a candidate, the default marked, and why it is the default."""
    rows = [["layer", "operator", "channels", "size"]]
    for layer in layers["candidates"]:
        mark = "* " if layer["name"] == layers["default"] else "  "
        size = by(layer["size"])
        rows.append([mark + layer["name"], layer["operator"], str(layer["channels"]), size])
    return f"{table(rows)}\n* {layers['reason']}"


def _text(value: Any) -> str:
    if value is None:
        return "-"
    if isinstance(value, float):
        return f"{value:.3g}"
    if isinstance(value, list):
        return ", ".join(_text(item) for item in value) or "-"
    if isinstance(value, dict):
        return ", ".join(f"{name} {_text(item)}" for name, item in value.items())
    return str(value)
