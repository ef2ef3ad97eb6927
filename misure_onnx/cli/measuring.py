"""Further metrics on the command line: which ones, and their table."""

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from misure_onnx.cli.output import table
from misure_onnx.errors import ParameterError

if TYPE_CHECKING:  # these import numpy and more
    from misure_onnx.explanation import Explanation
    from misure_onnx.metrics.base import Metric


def add_metric_arguments(parser: argparse.ArgumentParser) -> None:
    """What to measure."""
    group = parser.add_argument_group("metrics (Dice explained and perturbation ratio are always measured)")
    group.add_argument(
        "--metrics",
        metavar="NAME[,NAME…]",
        help="see `misure metrics`; standard: those that judge the map; all: also those that run the method again",
    )
    group.add_argument(
        "--metric-set", action="append", default=[], metavar="METRIC.NAME=VALUE", help="e.g. restoring_area.tau=0.8"
    )
    group.add_argument(
        "--truth", type=Path, metavar="FILE", help="ground truth of the image's size: a mask, or class indices"
    )


def chosen_metrics(arguments: argparse.Namespace) -> "dict[str, Metric]":
    """The metrics asked for.

    Raises:
        ParameterError: unknown ones, or an option that none of them uses.
    """
    from misure_onnx.api import make_metrics  # noqa: PLC0415 - `--help` must start fast
    from misure_onnx.metrics.base import TruthMetric  # noqa: PLC0415

    settings = {}
    for entry in arguments.metric_set:
        name, separator, value = entry.partition("=")
        if not separator or "." not in name:
            raise ParameterError(f"--metric-set expects METRIC.NAME=VALUE, got {entry!r}")
        settings[name] = value
    if arguments.metrics is None:
        if settings:
            raise ParameterError("--metric-set goes with --metrics: say which ones (standard, all, or names)")
        if arguments.truth is not None and getattr(arguments, "error", None) is None:
            raise ParameterError("--truth goes with --metrics (standard, all, or names) or with --error")
        return {}
    chosen = make_metrics(arguments.metrics, settings, truth=arguments.truth is not None)
    needy = [name for name, metric in chosen.items() if isinstance(metric, TruthMetric)]
    if arguments.truth is not None and not needy and getattr(arguments, "error", None) is None:
        raise ParameterError(f"none of {', '.join(chosen)} uses --truth; pointing_game and mass_in_truth do")
    if arguments.truth is None and needy:
        raise ParameterError(f"{', '.join(needy)} needs a ground truth: pass one (--truth FILE), or leave it out")
    return chosen


def metrics_table(explanations: "Sequence[Explanation]") -> str:
    """A row a metric and two a yardstick below it, a column a method; empty where nothing was asked for."""
    names = list(explanations[0].metrics.more)
    if not names:
        return ""
    rows = [["", *(explanation.method.name for explanation in explanations), "better"]]
    for name in names:
        records = [explanation.metrics.more[name] for explanation in explanations]
        better = "higher" if records[0].higher_is_better else "lower"
        rows.append([name, *(_text(record.value) for record in records), better])
        rows.append(["  predicted mask", *(_text(record.predicted_mask) for record in records), ""])
        rows.append(["  at random places", *(_text(record.random_mask) for record in records), ""])
    return "\n" + table(rows) + "\n"


def _text(value: float | None) -> str:
    return "-" if value is None else f"{value:.3f}"
