"""Is a score to be trusted? Three panels a class: ROC, calibration, risk against coverage."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from misure_onnx.rendering.canvas import canvas, png_of

_COLORS = {"classifier": "#c8452c", "max_probability": "#3b5b92", "entropy": "#1b7f6b"}
_OTHER = "#8a8f98"

Points = Sequence[tuple[float, float]]


@dataclass(frozen=True)
class ReliabilityRow:
    """One class.

    Attributes:
        title: the class, and how many predictions.
        base_rate: share of right predictions.
        curves: name -> (legend, ROC, risk against coverage).
        calibration: (count, mean probability, share of right ones) a tenth.
    """

    title: str
    base_rate: float
    curves: dict[str, tuple[str, Points, Points]]
    calibration: Sequence[tuple[int, float, float]]


def draw_reliability(rows: Sequence[ReliabilityRow]) -> bytes:
    """PNG bytes."""
    figure = canvas(11.5, 3.7 * len(rows))
    grid = figure.subplots(len(rows), 3, squeeze=False)
    for places, row in zip(grid, rows, strict=True):
        _draw_roc(places[0], row)
        _draw_calibration(places[1], row)
        _draw_risk(places[2], row)
        for axes in places:
            axes.spines[["top", "right"]].set_visible(False)
    return png_of(figure)


def _draw_roc(axes: Any, row: ReliabilityRow) -> None:
    for name, (legend, roc, _) in row.curves.items():
        axes.plot(*zip(*roc, strict=True), color=_COLORS.get(name, _OTHER), label=legend, linewidth=1.6)
    axes.plot([0, 1], [0, 1], color="black", linewidth=0.7, linestyle=":")
    axes.set_xlabel("wrong predictions accepted")
    axes.set_ylabel("right predictions accepted")
    axes.set_title(row.title, fontsize=10, parse_math=False)
    axes.legend(fontsize=8, loc="lower right", frameon=False)


def _draw_calibration(axes: Any, row: ReliabilityRow) -> None:
    axes.plot([0, 1], [0, 1], color="black", linewidth=0.7, linestyle=":")
    counts, predicted, observed = zip(*row.calibration, strict=True)
    axes.plot(predicted, observed, color=_COLORS["classifier"], marker="o", markersize=4, linewidth=1.2)
    for count, x, y in zip(counts, predicted, observed, strict=True):
        axes.annotate(str(count), (x, y), textcoords="offset points", xytext=(4, -9), fontsize=7)
    axes.set_xlim(-0.03, 1.06)
    axes.set_ylim(-0.06, 1.06)
    axes.set_xlabel("probability of being right (count beside)")
    axes.set_ylabel("share that is right")
    axes.set_title("Calibration on unseen groups", fontsize=10)


def _draw_risk(axes: Any, row: ReliabilityRow) -> None:
    for name, (_, _, risk) in row.curves.items():
        axes.plot(*zip(*risk, strict=True), color=_COLORS.get(name, _OTHER), linewidth=1.6)
    axes.axhline(1 - row.base_rate, color="black", linewidth=0.7, linestyle=":")
    axes.annotate("all accepted", (0.02, 1 - row.base_rate), textcoords="offset points", xytext=(0, 3), fontsize=7)
    axes.set_xlim(0, 1.02)
    axes.set_ylim(bottom=0)
    axes.set_xlabel("share accepted")
    axes.set_ylabel("share of wrong ones among them")
    axes.set_title("Risk against coverage", fontsize=10)
