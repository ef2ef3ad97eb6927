"""The distributions of a report, one picture a number."""

import base64
from collections.abc import Sequence
from typing import Any

import numpy as np

from misure_onnx.rendering.canvas import canvas, png_of
from misure_onnx.report.results import ClassResults, Numbers

_PLOTTED = {
    "perturbation_ratio": "perturbation ratio", "dice_explained": "Dice explained", "dilations": "dilations",
}  # fmt: skip
_MOST = 30
_WIDE = 50
"""Numbers that differ by more than this factor are drawn on a logarithmic axis."""
_COLOR = "#3b5b92"


def distributions(found: Sequence[ClassResults]) -> str | None:
    """A PNG as data URI: a panel a number, a line a class and method (the first 30); None without any number."""
    shown = found[:_MOST]
    panels = [name for name in _PLOTTED if any(one.values[name].size for one in shown)]
    if not panels:
        return None
    figure = canvas(3.9 * len(panels), 1.3 + 0.34 * len(shown))
    all_axes = figure.subplots(1, len(panels), sharey=True, squeeze=False)[0]
    for axes, name in zip(all_axes, panels, strict=True):
        for place, one in enumerate(shown):
            _draw(axes, place, one.values[name])
        axes.set_xlabel(_PLOTTED[name])
        if _spread([one.values[name] for one in shown]) > _WIDE:
            axes.set_xscale("log")
        axes.spines[["top", "right"]].set_visible(False)
    labels = [f"{one.label}, {one.method}".replace("$", r"\$") for one in shown]
    all_axes[0].set_yticks(range(len(shown)), labels)
    all_axes[0].set_ylim(len(shown) - 0.5, -0.5)
    return "data:image/png;base64," + base64.b64encode(png_of(figure)).decode("ascii")


def _spread(values: Sequence[Numbers]) -> float:
    """The largest over the smallest; 0 where one is not above 0."""
    known = np.concatenate(values)
    least = float(known.min())
    return float(known.max()) / least if least > 0 else 0.0


def _draw(axes: Any, place: int, values: Numbers) -> None:
    """Thin from the least to the largest, thick between the quartiles, a point at the median."""
    if not values.size:
        return
    least, low, middle, high, largest = np.quantile(values, [0, 0.25, 0.5, 0.75, 1]).tolist()
    axes.plot([least, largest], [place, place], color=_COLOR, linewidth=1)
    axes.plot([low, high], [place, place], color=_COLOR, linewidth=7, alpha=0.5, solid_capstyle="butt")
    axes.plot([middle], [place], "o", color=_COLOR, markersize=5)
