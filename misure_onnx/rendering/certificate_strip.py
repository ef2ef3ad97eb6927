"""The certificate as a picture: Dice under every baseline as bars, and what else was shown, a line each."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

PASSES, FAILS, NEUTRAL = "#1b7f6b", "#c8452c", "#8a8f98"
_MARKS = {True: ("\N{CHECK MARK}", PASSES), False: ("\N{BALLOT X}", FAILS), None: ("\N{MIDDLE DOT}", "#444444")}


@dataclass(frozen=True)
class Bar:
    """A Dice under one replacement of the removed pixels; `required`: the region was meant to pass it."""

    name: str
    dice: float
    required: bool


@dataclass(frozen=True)
class Finding:
    """A sentence, and whether it speaks for the region (True), against it (False), or neither (None)."""

    good: bool | None
    text: str


def draw_strip(figure: Any, bars: Sequence[Bar], tau: float | None, findings: Sequence[Finding]) -> None:
    """Draws into a matplotlib (sub)figure: bars to the left, findings to the right.

    Args:
        figure: where to draw.
        bars: from the top.
        tau: the line that a bar has to pass; None: no line.
        findings: from the top.
    """
    left, right = figure.subplots(1, 2, width_ratios=(1, 2.2))
    _bars(left, bars, tau)
    right.set_axis_off()
    for row, finding in enumerate(findings):
        mark, color = _MARKS[finding.good]
        height = 1 - (row + 0.5) / len(findings)
        right.text(0.0, height, mark, color=color, fontsize=13, va="center", transform=right.transAxes)
        right.text(0.03, height, finding.text, fontsize=11, va="center", transform=right.transAxes, parse_math=False)


def _bars(axes: Any, bars: Sequence[Bar], tau: float | None) -> None:
    places = range(len(bars))
    axes.barh(places, [bar.dice for bar in bars], color=[_color(bar, tau) for bar in bars], height=0.72)
    for place, bar in zip(places, bars, strict=True):
        axes.text(1.02, place, f"{bar.dice:.2f}", va="center", fontsize=10)
    axes.set_yticks(list(places), [bar.name for bar in bars], fontsize=10)
    for label, bar in zip(axes.get_yticklabels(), bars, strict=True):
        label.set_fontweight("bold" if bar.required else "normal")
    axes.invert_yaxis()
    axes.set_xlim(0, 1.15)
    axes.set_xticks([0, 0.5, 1])
    axes.set_title("Dice when removed pixels become \N{HORIZONTAL ELLIPSIS}", fontsize=11, loc="left")
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
    if tau is not None:
        axes.axvline(tau, color="black", linewidth=1, linestyle="--")


def _color(bar: Bar, tau: float | None) -> str:
    if tau is None:
        return NEUTRAL
    return PASSES if bar.dice > tau else FAILS
