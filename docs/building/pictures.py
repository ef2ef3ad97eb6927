"""The pictures of the methods' pages: every method on the bundled model and image.

    python -m docs.building.pictures             # all of them, into docs/pictures
    python -m docs.building.pictures rise lime   # these

Methods are at their defaults, and the question is that of `misure demo`: the lower object of the triangle.
"""

import argparse
import io
from importlib.resources import as_file, files
from pathlib import Path

from PIL import Image

from misure_onnx.api import load_segmenter, make_method
from misure_onnx.cli.demo import POINT
from misure_onnx.explanation import Explanation
from misure_onnx.images import load_image
from misure_onnx.methods import METHODS
from misure_onnx.rendering.figure import draw_figure
from misure_onnx.target import Target

FOLDER = Path(__file__).resolve().parents[1] / "pictures"
WIDTH, LARGEST = 1100, 60_000


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
    """Image, prediction, what stage 1 keeps (of methods that have one), map, region; without the certificate."""
    if found.image is None:
        raise ValueError("expected an explanation that holds its image, got one that was loaded from a folder")
    numbers = f"Dice {found.metrics.dice_explained:.2f}, {found.metrics.perturbation_ratio:.2f} object areas"
    stage = found.metrics.sufficient_region
    png = draw_figure(
        found.image,
        prediction=found.prediction,
        sufficient_region=found.sufficient_region,
        saliency=found.saliency,
        minimal_region=found.minimal_region,
        captions={
            "prediction": "the lower object is asked about",
            "sufficient": f"{stage.dilations} dilations" if stage else "",
            "method": f"{found.method.name}, default parameters",
            "minimal": numbers,
            "verdict": "Region",
        },
    )
    picture = Image.open(io.BytesIO(png)).convert("RGB")
    return picture.resize((WIDTH, round(WIDTH * picture.height / picture.width)), Image.Resampling.LANCZOS)


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
