"""The figure: image, prediction, sufficient region, saliency map, minimal region as in the paper; certificate below."""

import io
from collections.abc import Callable, Mapping
from typing import Any

from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from misure_onnx.rendering.overlay import RgbImage, cut_out, heat_map, outline, overlay
from misure_onnx.types import Region, SaliencyMap

_PANEL_INCHES, _DPI = 3.2, 110
_STRIP_INCHES = 2.1
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
    """PNG bytes of the row.

    Args:
        image: (H, W, 3).
        prediction: (H, W), the target on the whole image.
        sufficient_region: (H, W) or None; without it the row has one panel fewer.
        saliency: (H, W).
        minimal_region: (H, W), the binary region.
        captions: the line under the panels `prediction`, `sufficient`, `method` and `minimal`, and the
            last panel's title, `verdict`.
        below: draws the strip under the row into the subfigure that it gets; None: no strip.
    """
    signed = bool((saliency < 0).any())
    panels = [
        ("Image", image, ""),
        ("What the model finds", outline(image, prediction), captions["prediction"]),
        ("Saliency map", overlay(image, saliency) if signed else heat_map(saliency), captions["method"]),
        (captions["verdict"], cut_out(image, minimal_region), captions["minimal"]),
    ]
    if sufficient_region is not None:
        panels.insert(2, ("Sufficient region", cut_out(image, sufficient_region), captions["sufficient"]))
    return _row(panels, min(image.shape[0] / image.shape[1], _TALLEST), below)


def _row(panels: list[tuple[str, RgbImage, str]], aspect: float, below: Callable[[Any], None] | None) -> bytes:
    width, height = _PANEL_INCHES * len(panels), _PANEL_INCHES * aspect + 1.0
    strip = _STRIP_INCHES if below else 0.0
    figure: Any = Figure(figsize=(width, height + strip), dpi=_DPI, layout="constrained")
    FigureCanvasAgg(figure)
    row = figure
    if below:
        row, lower = figure.subfigures(2, 1, height_ratios=(height, strip))
        below(lower)
    for axes, (title, picture, caption) in zip(row.subplots(1, len(panels)), panels, strict=True):
        axes.imshow(picture, interpolation="nearest")
        axes.set_title(title, fontsize=13, fontweight="bold")
        axes.set_xlabel(caption, fontsize=11, parse_math=False)
        axes.set_xticks([])
        axes.set_yticks([])
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png")
    return buffer.getvalue()
