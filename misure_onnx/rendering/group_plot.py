"""A number of many objects, group by group: every object a dot, boxes of quartiles behind them."""

import textwrap
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from misure_onnx.rendering.canvas import canvas, png_of

_COLORS = {"detected": "#1b7f6b", "false": "#c8452c", "missed": "#3b5b92"}
_OTHER, _SPREAD = "#8a8f98", 0.16
_LINE = 36  # letters of the vertical label that fit beside the axis


def draw_groups(values: Mapping[str, Sequence[float]], *, label: str, caption: str = "") -> bytes:
    """PNG bytes.

    Args:
        values: name of a group -> a number an object, in the order of the columns; empty groups keep their column.
        label: of the vertical axis: what the number is, and its unit.
        caption: under the plot, for instance what the tests say.
    """
    figure = canvas(1.6 + 1.7 * len(values), 4.2)
    axes = figure.subplots()
    rng = np.random.default_rng(0)  # where a dot stands within its column means nothing
    for place, (name, group) in enumerate(values.items()):
        color = _COLORS.get(name, _OTHER)
        if len(group):
            _box(axes, group, place, color)
            axes.scatter(place + rng.uniform(-_SPREAD, _SPREAD, len(group)), group, s=14, color=color, alpha=0.6)
    axes.axhline(0, color="black", linewidth=0.8)
    axes.set_xticks(range(len(values)), [f"{name}\nn = {len(group)}" for name, group in values.items()])
    axes.set_xlim(-0.5, len(values) - 0.5)
    axes.set_ylabel(textwrap.fill(label, _LINE), parse_math=False)
    axes.set_xlabel(caption, fontsize=9, parse_math=False)
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
    return png_of(figure)


def _box(axes: Any, group: Sequence[float], place: int, color: str) -> None:
    line = {"color": color, "linewidth": 1.2}
    axes.boxplot(
        [list(group)], positions=[place], widths=0.5, showfliers=False, medianprops={**line, "linewidth": 2.2},
        boxprops=line, whiskerprops=line, capprops=line, manage_ticks=False,
    )  # fmt: skip
