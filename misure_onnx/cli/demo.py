"""`misure demo`: the main job on the bundled model and image."""

import argparse
from importlib.resources import as_file, files
from pathlib import Path

from misure_onnx.cli.explain import add_method_arguments, add_output_arguments, explain_all, method_settings, report
from misure_onnx.cli.output import write_line

HELP = "explain the bundled model on the bundled image: nothing to prepare"

_INTRODUCTION = (
    "The bundled U-Net segments three objects that form a triangle and leaves the others alone: only their\n"
    "places tell them apart, so it has to look at all three. What is enough for it to find them again?\n"
)


def configure(parser: argparse.ArgumentParser) -> None:
    """The command's arguments."""
    add_method_arguments(parser)
    add_output_arguments(parser)
    parser.set_defaults(out=Path("misure-demo"), provider="auto")


def run(arguments: argparse.Namespace) -> int:
    """Explains the bundled model on the bundled image."""
    from misure_onnx.api import load_segmenter, make_methods  # noqa: PLC0415 - `--help` must start fast
    from misure_onnx.images import load_image  # noqa: PLC0415
    from misure_onnx.target import Target  # noqa: PLC0415

    methods = make_methods(arguments.method.split(","), arguments.preset, method_settings(arguments))
    bundled = files("misure_onnx") / "demo"
    with as_file(bundled / "triangle.onnx") as model, as_file(bundled / "triangle.png") as picture:
        segmenter, image = load_segmenter(model), load_image(picture)
    explanations = explain_all(methods, segmenter, image, [Target.from_class("triangle")], arguments)
    if not arguments.json:
        write_line(_INTRODUCTION)
    report(explanations, arguments, single=len(methods) == 1)
    return 0
