"""The figure: image, prediction, sufficient region, saliency map, minimal region as in the paper; certificate below."""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from misure_onnx.rendering.canvas import canvas, png_of, show_picture
from misure_onnx.rendering.overlay import RgbImage, cut_out, heat_map, outline, overlay
from misure_onnx.rendering.views import views_of
from misure_onnx.types import Region, SaliencyMap

_PANEL_INCHES, _STRIP_INCHES = 3.2, 2.1
_TALLEST = 6.0  # panels of taller images are narrow instead: the figure's size must not follow the image's without end


def draw_figure(
    image: RgbImage,
    *,
    prediction: Region,
    sufficient_region: Region | None,
    saliency: SaliencyMap,
    minimal_region: Region,
    captions: Mapping[str, str],
    below: Callable[[Any], None] | None = None,
) -> bytes:
    """PNG bytes of the row; of a volume three rows, a slice across each axis where most of the target is.

    Args:
        image: (H, W, 3), a volume's (D, H, W, 3).
        prediction: (H, W), the target on the whole image.
        sufficient_region: (H, W) or None; without it the row has one panel fewer.
        saliency: (H, W).
        minimal_region: (H, W), the binary region.
        captions: the line under the panels `prediction`, `sufficient`, `method` and `minimal`, and the
            last panel's title, `verdict`.
        below: draws the strip under the row into the subfigure that it gets; None: no strip.
    """
    views = views_of(prediction)
    columns = [("Image", ""), ("What the model finds", captions["prediction"])]
    columns += [("Sufficient region", captions["sufficient"])] if sufficient_region is not None else []
    columns += [("Saliency map", captions["method"]), (captions["verdict"], captions["minimal"])]
    signed, strongest = bool((saliency < 0).any()), float(np.abs(saliency).max())
    rows = []
    for view in views:
        picture = view.of(image)
        panels = [picture, outline(picture, view.of(prediction))]
        if sufficient_region is not None:
            panels.append(cut_out(picture, view.of(sufficient_region)))
        seen = view.of(saliency)
        if signed:
            panels.append(overlay(picture, seen, bound=strongest, signed=True))
        else:
            panels.append(heat_map(seen, strongest, signed=False))
        panels.append(cut_out(picture, view.of(minimal_region)))
        rows.append((view.label, panels))
    return _drawn(columns, rows, below)


def _drawn(
    columns: list[tuple[str, str]],
    rows: list[tuple[str, list[RgbImage]]],
    below: Callable[[Any], None] | None,
) -> bytes:
    """Titles above the first row, captions below the last one."""
    heights = [min(panels[0].shape[0] / panels[0].shape[1], _TALLEST) for _, panels in rows]
    width, height = _PANEL_INCHES * len(columns), _PANEL_INCHES * sum(heights) + 1.0
    strip = _STRIP_INCHES if below else 0.0
    figure = canvas(width, height + strip)
    upper = figure
    if below:
        upper, lower = figure.subfigures(2, 1, height_ratios=(height, strip))
        below(lower)
    grid = upper.subplots(len(rows), len(columns), squeeze=False, height_ratios=heights)
    for line, (label, panels) in zip(grid, rows, strict=True):
        line[0].set_ylabel(label, fontsize=11)
        for axes, picture in zip(line, panels, strict=True):
            show_picture(axes, picture)
    for first, last, (title, caption) in zip(grid[0], grid[-1], columns, strict=True):
        first.set_title(title, fontsize=13, fontweight="bold")
        last.set_xlabel(caption, fontsize=11, parse_math=False)
    return png_of(figure)
