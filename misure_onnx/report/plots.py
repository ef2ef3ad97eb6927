"""The distributions of a report, one picture a number."""

import base64
import io
from collections.abc import Sequence
from typing import Any

from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from misure_onnx.report.results import ClassResults

_PLOTTED = {
    "perturbation_ratio": "perturbation ratio", "dice_explained": "Dice explained", "dilations": "dilations",
}  # fmt: skip
_MOST = 30
_DPI = 110


def distributions(found: Sequence[ClassResults]) -> str | None:
    """A PNG as data URI: a panel a number, a box a class and method (the first 30); None without any number."""
    shown = found[:_MOST]
    panels = [name for name in _PLOTTED if any(one.values[name].size for one in shown)]
    if not panels:
        return None
    figure: Any = Figure(figsize=(3.9 * len(panels), 1.3 + 0.34 * len(shown)), dpi=_DPI, layout="constrained")
    FigureCanvasAgg(figure)
    all_axes = figure.subplots(1, len(panels), sharey=True, squeeze=False)[0]
    for axes, name in zip(all_axes, panels, strict=True):
        axes.boxplot([one.values[name] for one in shown], orientation="horizontal", widths=0.6, flierprops={"ms": 3})
        axes.set_xlabel(_PLOTTED[name])
        axes.spines[["top", "right"]].set_visible(False)
    labels = [f"{one.label}, {one.method}".replace("$", r"\$") for one in shown]
    all_axes[0].set_yticks(range(1, 1 + len(shown)), labels)
    all_axes[0].invert_yaxis()
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png")
    return "data:image/png;base64," + base64.b64encode(buffer.getvalue()).decode("ascii")
