"""The pictures of the methods' pages: every method on the bundled model and image.

    python -m docs.building.pictures             # all of them, into docs/pictures
    python -m docs.building.pictures rise lime   # these

Methods are at their defaults, and the question is that of `misure demo`: the lower object of the triangle.
"""

import argparse
import io
from importlib.resources import as_file, files
from pathlib import Path
from typing import Any

from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from PIL import Image

from misure_onnx.api import load_segmenter, make_method
from misure_onnx.cli.demo import POINT
from misure_onnx.explanation import Explanation
from misure_onnx.images import load_image
from misure_onnx.methods import METHODS
from misure_onnx.rendering.canvas import png_of, show_picture
from misure_onnx.rendering.overlay import cut_out, heat_map, outline, overlay
from misure_onnx.target import Target

FOLDER = Path(__file__).resolve().parents[1] / "pictures"
LARGEST, KEPT = 60_000, (240, 190, 40)


def main() -> None:
    """Writes a JPEG a method."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("methods", nargs="*", default=list(METHODS))
    for name in parser.parse_args().methods:
        (FOLDER / f"{name}.jpg").write_bytes(small_jpeg(drawn(explained(name))))
        print(name, flush=True)


def explained(name: str) -> Explanation:
    """What the method says of the bundled image."""
    bundled = files("misure_onnx") / "demo"
    with as_file(bundled / "triangle.onnx") as model, as_file(bundled / "triangle.png") as picture:
        segmenter, image = load_segmenter(model), load_image(picture)
        return make_method(name).explain(segmenter, image, Target.at(*POINT))


def drawn(found: Explanation) -> Image.Image:
    """What is asked about, the map, and the region with its outline (on black ground it would not be seen)."""
    if found.image is None:
        raise ValueError("expected an explanation that holds its image, got one that was loaded from a folder")
    signed = bool((found.saliency < 0).any())
    shown = overlay(found.image, found.saliency, opacity=0.8) if signed else heat_map(found.saliency)
    kept = outline(cut_out(found.image, found.minimal_region), found.minimal_region, KEPT, tint=0.25)
    numbers = f"Dice {found.metrics.dice_explained:.2f}, {found.metrics.perturbation_ratio:.2f} object areas"
    panels = (
        (outline(found.image, found.prediction), "What is asked about", "one object that the model finds"),
        (shown, "Saliency map", "red: for it, blue: against it" if signed else ""),
        (kept, "Region", numbers),
    )
    figure: Any = Figure(figsize=(11, 4.1), dpi=100, layout="constrained")
    FigureCanvasAgg(figure)
    for axes, (picture, title, caption) in zip(figure.subplots(1, len(panels)), panels, strict=True):
        show_picture(axes, picture)
        axes.set_title(title, fontsize=13, fontweight="bold")
        axes.set_xlabel(caption, fontsize=12)
    return Image.open(io.BytesIO(png_of(figure))).convert("RGB")


def small_jpeg(picture: Image.Image) -> bytes:
    """At the best quality with which it has at most `LARGEST` bytes."""
    for quality in range(88, 20, -4):
        buffer = io.BytesIO()
        picture.save(buffer, "JPEG", quality=quality, optimize=True)
        if buffer.tell() <= LARGEST:
            break
    return buffer.getvalue()


if __name__ == "__main__":
    main()
