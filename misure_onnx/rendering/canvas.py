"""What every figure begins and ends with: a canvas without a window, and PNG."""

import io
from typing import Any

from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from misure_onnx.rendering.overlay import RgbImage

_DPI = 110


def canvas(width: float, height: float) -> Any:
    """An empty matplotlib figure of so many inches; no window and no global state belong to it."""
    figure = Figure(figsize=(width, height), dpi=_DPI, layout="constrained")
    FigureCanvasAgg(figure)
    return figure


def png_of(figure: Any) -> bytes:
    """A figure's PNG bytes."""
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png")
    return buffer.getvalue()


def show_picture(axes: Any, picture: RgbImage) -> None:
    """A picture (H, W, 3) with its own pixels and without ticks."""
    axes.imshow(picture, interpolation="nearest")
    axes.set_xticks([])
    axes.set_yticks([])
