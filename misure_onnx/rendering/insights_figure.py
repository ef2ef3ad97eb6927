"""One class of an audit on one page."""

import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from misure_onnx.rendering.canvas import canvas, png_of
from misure_onnx.rendering.overlay import RgbImage, dim_outside, outline
from misure_onnx.types import Region

_COLUMNS = 4
_POINT, _SHARES = "#3b5b92", {"outside": "#c8452c", "boundary": "#d9a441", "interior": "#1b7f6b"}
_WIDE = 100
"""Numbers that differ by more are drawn on a logarithmic axis (with 0 on it)."""

Numbers = npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Example:
    """A picture (H, W, 3), what the model finds in it and what it needs of it (H, W), and its name."""

    image: RgbImage
    prediction: Region
    region: Region
    name: str


@dataclass(frozen=True, eq=False)
class InsightsPage:
    """What is drawn.

    Attributes:
        title: of the page.
        area: (n,) share of the image that each prediction covers.
        related: name -> ((n,) numbers against the area, a line about it).
        shares: name -> (n,) shares of the minimal region.
        recurring: (16, 16) mean share of the evidence outside the object, or None.
        marked: cells (row, column) to frame.
        examples: (title, at most four pictures) a row.
    """

    title: str
    area: Numbers
    related: Mapping[str, tuple[Numbers, str]]
    shares: Mapping[str, Numbers]
    recurring: Numbers | None
    marked: Sequence[tuple[int, int]]
    examples: Sequence[tuple[str, Sequence[Example]]]


def draw_insights(page: InsightsPage) -> bytes:
    """PNG bytes."""
    rows = [(title, some) for title, some in page.examples if some]
    figure = canvas(13, 3.6 + 3.1 * len(rows))
    figure.suptitle(page.title, fontsize=12, fontweight="bold")
    bands = figure.subfigures(1 + len(rows), 1, height_ratios=[3.6, *[3.1] * len(rows)], squeeze=False)[:, 0]
    places = bands[0].subplots(1, _COLUMNS)
    for axes, (name, (values, line)) in zip(places, page.related.items(), strict=False):
        _draw_relation(axes, page.area, values, name, line)
    _draw_shares(places[2], page.shares)
    _draw_recurring(places[3], page)
    for band, (title, some) in zip(bands[1:], rows, strict=True):
        band.suptitle(title, fontsize=10)
        for axes, example in zip(band.subplots(1, _COLUMNS), [*some, *[None] * _COLUMNS], strict=False):
            _draw_example(axes, example)
    return png_of(figure)


def _draw_relation(axes: Any, area: Numbers, values: Numbers, name: str, line: str) -> None:
    axes.scatter(area, values, s=12, color=_POINT, alpha=0.5)
    axes.set_xscale("log")
    positive = values[values > 0]
    if positive.size and positive.max() > _WIDE * positive.min():
        axes.set_yscale("symlog", linthresh=float(max(positive.min(), positive.max() / 1e4)))
    axes.set_xlabel("share of the image that the prediction covers")
    axes.set_ylabel(name)
    axes.set_title(textwrap.fill(line, 34), fontsize=9)
    axes.spines[["top", "right"]].set_visible(False)


def _draw_shares(axes: Any, shares: Mapping[str, Numbers]) -> None:
    known = [values[np.isfinite(values)] for values in shares.values()]
    boxes = axes.boxplot(known, showfliers=False, patch_artist=True, widths=0.55, medianprops={"color": "black"})
    for box, name in zip(boxes["boxes"], shares, strict=True):
        box.set_facecolor(_SHARES.get(name, _POINT))
        box.set_alpha(0.7)
    axes.set_xticks(range(1, 1 + len(known)), list(shares))
    axes.set_ylim(-0.02, 1.02)
    axes.set_title("where the minimal region lies", fontsize=9)
    axes.spines[["top", "right"]].set_visible(False)


def _draw_recurring(axes: Any, page: InsightsPage) -> None:
    axes.set_xticks([])
    axes.set_yticks([])
    if page.recurring is None:
        axes.text(0.5, 0.5, "too little evidence\noutside the object", ha="center", va="center", fontsize=9)
        axes.set_title("evidence outside the object", fontsize=9)
        return
    axes.imshow(page.recurring, cmap="magma", vmin=0)
    for row, column in page.marked:
        axes.plot(
            [column - 0.5, column + 0.5, column + 0.5, column - 0.5, column - 0.5],
            [row - 0.5, row - 0.5, row + 0.5, row + 0.5, row - 0.5],
            color="#5fd0ff",
            linewidth=1.2,
        )
    found = f"{len(page.marked)} cells stay while objects move" if page.marked else "none stays while objects move"
    axes.set_title(f"evidence outside the object, in the image;\n{found}", fontsize=9)


def _draw_example(axes: Any, example: Example | None) -> None:
    axes.set_axis_off()
    if example is None:
        return
    shown = dim_outside(example.image, example.region)
    axes.imshow(outline(shown, example.prediction, tint=0), interpolation="nearest")
    axes.set_title(textwrap.shorten(example.name, 36), fontsize=8, parse_math=False)
