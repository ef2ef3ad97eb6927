"""`misure insights AUDIT`."""

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from misure_onnx.cli.output import table, write_json, write_line
from misure_onnx.cli.seed import add_seed_argument, check_seed
from misure_onnx.insights import FOLDER

if TYPE_CHECKING:  # these import numpy and more
    from misure_onnx.insights.report import ClassInsights

HELP = "what a model needs, over a whole audit: size and context, places that recur, strategies, oddities"

RECORD = "insights.json"


def configure(parser: argparse.ArgumentParser) -> None:
    """The command's arguments."""
    parser.add_argument("audit", type=Path, metavar="AUDIT", help="folder that misure audit wrote")
    parser.add_argument("--method", metavar="NAME", help="whose explanations, where the audit holds several")
    add_seed_argument(parser, "intervals, draws and clusters")
    parser.add_argument("--out", type=Path, metavar="DIR", help="default: AUDIT/insights")
    parser.add_argument("--json", action="store_true", help="print insights.json on stdout and nothing else")


def run(arguments: argparse.Namespace) -> int:
    """Looks, draws and reports."""
    from misure_onnx.files import encode_json, write_all  # noqa: PLC0415 - `--help` must start fast
    from misure_onnx.insights.report import audited_data, document, figure, insights  # noqa: PLC0415

    check_seed(arguments)
    found = insights(arguments.audit, arguments.method, arguments.seed)
    data, told = audited_data(arguments.audit), document(found)
    place = arguments.out or (arguments.audit if arguments.audit.is_dir() else arguments.audit.parent) / FOLDER
    figures = {f"class-{one.known.index}.png": figure(one, data) for one in found}
    write_all(place, {**figures, RECORD: encode_json(told)})
    if arguments.json:
        write_json(told)
        return 0
    write_line(_summary(found))
    for name in (RECORD, *figures):
        write_line(f"written: {place / name}")
    return 0


def _summary(found: "list[ClassInsights]") -> str:
    header = ["", "n", "size and dilations", "size and ratio", "outside", "boundary", "interior", "recurring places",
              "strategies", "outliers"]  # fmt: skip
    rows = [header] + [
        [
            one.known.label,
            str(len(one.known.rows)),
            *(_correlation(one, name) for name in ("dilations", "perturbation_ratio")),
            *("-" if quartiles is None else f"{quartiles[1]:.2f}" for quartiles in one.quartiles.values()),
            "-" if one.recurring is None else str(len(one.recurring.places)),
            str(len(one.strategies)) if one.strategies else "-",
            str(len(one.outliers)),
        ]
        for one in found
    ]
    return (
        f"rank correlation with the prediction's size [95 %]; medians of the minimal region's shares\n\n{table(rows)}\n"
    )


def _correlation(one: "ClassInsights", name: str) -> str:
    relation = one.relations[name]
    if relation is None:
        return "-"
    interval = relation.interval
    return f"{relation.correlation:.2f}" + ("" if interval is None else f" [{interval[0]:.2f}, {interval[1]:.2f}]")
