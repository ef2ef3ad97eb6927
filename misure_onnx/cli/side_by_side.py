"""Several methods on one target: one figure."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # these import numpy and more
    from misure_onnx.explanation import Explanation

FILE = "methods.png"


def save_side_by_side(explanations: "Sequence[Explanation]", directory: Path) -> Path:
    """Writes the figure of explanations of one target that still hold the image, and returns its path.

    Raises:
        OutputError: the directory cannot be written.
    """
    from misure_onnx.files import write_all  # noqa: PLC0415 - `--help` must start fast
    from misure_onnx.rendering.methods_figure import MethodColumn, draw_methods  # noqa: PLC0415
    from misure_onnx.rendering.views import views_of  # noqa: PLC0415

    first = explanations[0]
    if first.image is None:
        raise ValueError("a loaded explanation does not hold the image")
    view = views_of(first.prediction)[-1]
    columns = [
        MethodColumn(found.method.name, view.of(found.saliency), view.of(found.minimal_region), _numbers(found))
        for found in explanations
    ]
    label = f"{first.target.label}: {first.target.pixels:,} pixels" + (f", slice {view.label}" if view.label else "")
    picture = draw_methods(view.of(first.image), view.of(first.prediction), label, columns)
    return write_all(directory, {FILE: picture}) / FILE


def _numbers(explanation: "Explanation") -> str:
    metrics, cost = explanation.metrics, explanation.cost
    return (
        f"Dice {metrics.dice_explained:.2f}, {metrics.perturbation_ratio:.2f} \N{MULTIPLICATION SIGN} its area\n"
        f"{cost.forwards:,} forwards, {cost.seconds:.1f} s"
    )
