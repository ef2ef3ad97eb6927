"""Two models on the same images, side by side: a row an image, what each finds and what each needs of it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from misure_onnx.rendering.canvas import canvas, png_of, show_picture
from misure_onnx.rendering.overlay import RgbImage, cut_out, outline
from misure_onnx.rendering.views import views_of
from misure_onnx.types import Region

_PANEL_INCHES = 2.4
_TALLEST = 1.5


@dataclass(frozen=True, eq=False)
class PairRow:
    """One image.

    Attributes:
        image: (H, W, 3), a volume's (D, H, W, 3).
        predictions, regions: (H, W) of each model; None where it does not find the class.
        name: of the image and class.
        numbers: a line about how far the two agree.
    """

    image: RgbImage
    predictions: tuple[Region | None, Region | None]
    regions: tuple[Region | None, Region | None]
    name: str
    numbers: str


def draw_pairs(rows: Sequence[PairRow], names: tuple[str, str]) -> bytes:
    """PNG bytes: image, both predictions, both regions; of a volume the last of its `views_of`.

    Args:
        rows: at least one.
        names: of the two models.
    """
    tallest = max(min(row.image.shape[-3] / row.image.shape[-2], _TALLEST) for row in rows)
    figure = canvas(5 * _PANEL_INCHES, len(rows) * (_PANEL_INCHES * tallest + 0.55))
    grid = figure.subplots(len(rows), 5, squeeze=False)
    for places, row in zip(grid, rows, strict=True):
        _draw(places, row, names)
    return png_of(figure)


def _draw(places: Sequence[Any], row: PairRow, names: tuple[str, str]) -> None:
    shown = next(region for region in row.predictions if region is not None)
    view = views_of(shown)[-1]
    image = view.of(row.image)
    _panel(places[0], image, row.name, row.numbers)
    for number, name in enumerate(names):
        prediction, region = row.predictions[number], row.regions[number]
        if prediction is None or region is None:
            _panel(places[1 + number], image // 3, f"{name} does not find it")
            _panel(places[3 + number], image // 3, "")
            continue
        _panel(places[1 + number], outline(image, view.of(prediction)), f"{name} finds")
        _panel(places[3 + number], cut_out(image, view.of(region)), f"{name} needs")


def _panel(axes: Any, picture: RgbImage, title: str, caption: str = "") -> None:
    show_picture(axes, picture)
    axes.set_title(title, fontsize=9, parse_math=False)
    axes.set_xlabel(caption, fontsize=9, parse_math=False)
