"""Several methods on one object, side by side: a column each, its map above what it keeps of the image."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from misure_onnx.rendering.canvas import canvas, png_of, show_picture
from misure_onnx.rendering.overlay import RgbImage, cut_out, heat_map, outline, overlay
from misure_onnx.types import Region, SaliencyMap

_PANEL_INCHES = 2.6
_COLUMNS = 6
_TALLEST = 3.0
"""Panels of taller images are narrow instead."""


@dataclass(frozen=True, eq=False)
class MethodColumn:
    """One method: its name, map (H, W), region (H, W), and a line or two of numbers."""

    name: str
    saliency: SaliencyMap
    region: Region
    numbers: str


def draw_methods(image: RgbImage, prediction: Region, label: str, columns: Sequence[MethodColumn]) -> bytes:
    """PNG bytes: image and prediction at the left, then the methods, wrapped after a few.

    Args:
        image: (H, W, 3).
        prediction: (H, W), the target on the whole image.
        label: the line under it.
        columns: one a method.
    """
    bands = -(-len(columns) // _COLUMNS)
    across = 1 + min(len(columns), _COLUMNS)
    aspect = min(image.shape[0] / image.shape[1], _TALLEST)
    figure = canvas(_PANEL_INCHES * across, bands * (2 * _PANEL_INCHES * aspect + 1.1))
    grid = figure.subplots(2 * bands, across, squeeze=False)
    for place in grid.ravel():
        place.set_axis_off()
    _panel(grid[0][0], image, title="Image")
    _panel(grid[1][0], outline(image, prediction), title="What the model finds", caption=label)
    for number, column in enumerate(columns):
        band, place = divmod(number, _COLUMNS)
        signed = bool((column.saliency < 0).any())
        shown = overlay(image, column.saliency) if signed else heat_map(column.saliency)
        _panel(grid[2 * band][place + 1], shown, title=f"{column.name}: map")
        _panel(grid[2 * band + 1][place + 1], cut_out(image, column.region), title="Region", caption=column.numbers)
    return png_of(figure)


def _panel(axes: Any, picture: RgbImage, *, title: str = "", caption: str = "") -> None:
    axes.set_axis_on()
    show_picture(axes, picture)
    axes.set_title(title, fontsize=11, fontweight="bold", parse_math=False)
    axes.set_xlabel(caption, fontsize=10, parse_math=False)
