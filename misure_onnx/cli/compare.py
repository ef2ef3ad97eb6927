"""`misure compare A B DATASET`."""

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from misure_onnx.cli.audit import (
    add_dataset_arguments,
    add_engine_arguments,
    add_question_arguments,
    requested_dataset,
    requested_engine,
    requested_settings,
    resumable,
)
from misure_onnx.cli.output import table, write_json, write_line
from misure_onnx.cli.remote import MODEL_HELP, requested_remote
from misure_onnx.errors import ParameterError

if TYPE_CHECKING:  # these import numpy and more
    from misure_onnx.audit.compare.run import Comparison
    from misure_onnx.audit.compare.statistics import Gate, Summary

HELP = "do two models find the same, and look at the same? With --fail-under a gate for releases"

GATES = ("region_iou", "map_correlation", "prediction_dice")


def configure(parser: argparse.ArgumentParser) -> None:
    """The command's arguments."""
    parser.add_argument("model_a", metavar="A", help=MODEL_HELP)
    parser.add_argument("model_b", metavar="B", help="the same: another version, vendor or precision")
    add_dataset_arguments(parser)
    add_question_arguments(parser, objects=False)
    parser.add_argument("--preprocess-b", metavar="PRESET|FILE", help="of B, where it differs from --preprocess")
    parser.add_argument(
        "--out", type=Path, default=Path("misure-compare"), metavar="DIR", help="default: misure-compare"
    )
    parser.add_argument("--worst", type=int, default=6, metavar="N", help="pairs in the figure (default: 6)")
    parser.add_argument(
        "--fail-under", type=float, metavar="X", help="exit status 1 if the median agreement is below X"
    )
    parser.add_argument("--gate", choices=GATES, default="region_iou", help="which agreement --fail-under asks for")
    add_engine_arguments(parser)
    parser.add_argument("--json", action="store_true", help="print comparison.json on stdout and nothing else")


def run(arguments: argparse.Namespace) -> int:
    """Compares, reports, and judges if that was asked for."""
    from misure_onnx.audit.compare.run import FIGURE, PAIRS, RECORD, compare_models  # noqa: PLC0415 - fast `--help`

    if arguments.fail_under is not None and not -1 <= arguments.fail_under <= 1:
        raise ParameterError(f"--fail-under must lie between -1 and 1, got {arguments.fail_under}")
    if arguments.worst < 1:
        raise ParameterError(f"--worst must be at least 1, got {arguments.worst}")
    models = (arguments.model_a, arguments.model_b)
    asked, served = requested_remote(arguments), any("://" in model for model in models)
    remote = {model: asked if "://" in model or not served else None for model in models}
    a = requested_settings(arguments, arguments.model_a, "float", remote[arguments.model_a])
    other = argparse.Namespace(**{**vars(arguments), "preprocess": arguments.preprocess_b or arguments.preprocess})
    b = requested_settings(other, arguments.model_b, "float", remote[arguments.model_b])
    engine, dataset = requested_engine(arguments), requested_dataset(arguments)
    bound = None if arguments.fail_under is None else (arguments.gate, arguments.fail_under)
    with resumable() as progress:
        result = compare_models(
            dataset, a, b, arguments.out, engine=engine, progress=progress, shown=arguments.worst, bound=bound
        )
    if arguments.json:
        write_json(result.record)
    else:
        write_line(summary(result))
        for name in (PAIRS, RECORD, FIGURE):
            write_line(f"written: {arguments.out / name}")
    if result.gate is None or result.gate.met:
        return 0
    sys.stderr.write(f"misure: {verdict(result.gate)}\n")
    return 1


def summary(result: "Comparison") -> str:
    """A table a method: a line a class, and the worst pairs."""
    counts = result.record["pairs"]["found_by"]
    found = f"{counts['both']} found by both models, {counts['a']} by A alone, {counts['b']} by B alone"
    lines = [f"{len(result.found)} pairs: {found}, {counts['failed']} failed\n"]
    header = [
        "median [95 % interval]",
        "pairs",
        "Dice of predictions",
        "IoU of regions",
        "rank correlation of maps",
        "ratio B - A",
    ]
    for method, labels in result.statistics.items():
        rows = [header] + [
            [label, str(of["prediction_dice"].count if "prediction_dice" in of else 0), *_cells(of)]
            for label, of in labels.items()
        ]
        lines.append(f"{method}\n\n{table(rows)}\n")
    lines.append("least in common:")
    lines += [
        f"  {pair.image}: {pair.label}, {pair.method}: IoU {pair.region_iou:.2f} (by chance "
        f"{'-' if pair.region_iou_by_chance is None else f'{pair.region_iou_by_chance:.2f}'}), found by {pair.found_by}"
        for pair in result.worst
    ]
    return "\n".join(lines) + "\n"


def _cells(of: "dict[str, Summary]") -> list[str]:
    cells = []
    for measure in ("prediction_dice", "region_iou", "map_correlation", "ratio_difference"):
        if measure not in of:
            cells.append("-")
            continue
        interval = of[measure].median_interval
        bounds = "" if interval is None else f" [{interval[0]:.2f}, {interval[1]:.2f}]"
        cells.append(f"{of[measure].quartiles[1]:.2f}{bounds}")
    return cells


def verdict(gate: "Gate") -> str:
    """Why a gate is not met."""
    medians = ", ".join(f"{m}: {'none' if v is None else f'{v:.3f}'}" for m, v in gate.medians.items())
    failed = f"; {gate.not_compared} pairs could not be compared" if gate.not_compared else ""
    return f"gate not met: median {gate.measure} must reach {gate.bound}, got {medians}{failed}"
