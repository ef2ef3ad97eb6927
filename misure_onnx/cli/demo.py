"""`misure demo`: the main job on the bundled model and image."""

import argparse
from importlib.resources import as_file, files
from pathlib import Path

from misure_onnx.cli.explain import (
    add_method_arguments,
    add_output_arguments,
    check_arguments,
    explain_all,
    method_settings,
    report,
)
from misure_onnx.cli.measuring import add_metric_arguments, chosen_metrics
from misure_onnx.cli.output import write_line

HELP = "explain the bundled model on the bundled image: nothing to prepare"

POINT = (67, 124)
"""A pixel of the lower object of the bundled image's triangle."""

_INTRODUCTION = (
    "The bundled U-Net segments three objects that form a triangle and leaves all others alone: only their\n"
    "places tell them apart. What does it need to see to find the lower one of the three?\n"
)


def configure(parser: argparse.ArgumentParser) -> None:
    """The command's arguments."""
    add_method_arguments(parser)
    add_metric_arguments(parser)
    add_output_arguments(parser)
    parser.set_defaults(out=Path("misure-demo"), provider="auto")


def run(arguments: argparse.Namespace) -> int:
    """Explains the bundled model on the bundled image."""
    from misure_onnx.api import load_segmenter, make_methods  # noqa: PLC0415 - `--help` must start fast
    from misure_onnx.images import load_image  # noqa: PLC0415
    from misure_onnx.target import Target  # noqa: PLC0415

    check_arguments(arguments)
    methods = make_methods(arguments.method.split(","), arguments.preset, method_settings(arguments))
    metrics = chosen_metrics(arguments)
    bundled = files("misure_onnx") / "demo"
    with as_file(bundled / "triangle.onnx") as model, as_file(bundled / "triangle.png") as picture:
        segmenter, image = load_segmenter(model), load_image(picture)
        explanations = explain_all(methods, segmenter, image, [Target.at(*POINT)], arguments, metrics=metrics)
    if not arguments.json:
        write_line(_INTRODUCTION)
    report(explanations, arguments, single=len(methods) == 1)
    return 0
