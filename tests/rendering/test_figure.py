"""The one-row figure."""

import cv2
import numpy as np
import numpy.typing as npt
import pytest

from misure_onnx.rendering.figure import draw_figure
from misure_onnx.rendering.overlay import heat_map
from misure_onnx.types import SaliencyMap
from tests.tiny_models import noise_image

CAPTIONS = {
    "verdict": "Enough for the model",
    "prediction": "cat: 1,234 pixels",
    "sufficient": "180% of its area",
    "method": "misure (smooth)",
    "minimal": "40% of the object's area\nDice 0.95",
}
PANEL = 352
"""Pixels a panel: 3.2 inches at 110 dots an inch."""


def figure(
    size: tuple[int, int], *, stage_1: bool = True, saliency: SaliencyMap | None = None
) -> npt.NDArray[np.uint8]:
    """The decoded figure, RGB."""
    region = np.zeros(size, bool)
    region[size[0] // 4 : size[0] // 2, size[1] // 4 : size[1] // 2] = True
    png = draw_figure(
        noise_image(size) // 2,
        prediction=region,
        sufficient_region=region if stage_1 else None,
        saliency=region.astype(np.float32) if saliency is None else saliency,
        minimal_region=region,
        captions=CAPTIONS,
    )
    assert png.startswith(b"\x89PNG\r\n\x1a\n")
    decoded = cv2.imdecode(np.frombuffer(png, np.uint8), cv2.IMREAD_COLOR)
    assert decoded is not None
    return np.asarray(decoded[..., ::-1], np.uint8)


@pytest.mark.parametrize("size", [(40, 40), (30, 90), (120, 40)])
@pytest.mark.parametrize(("stage_1", "panels"), [(True, 5), (False, 4)])
def test_it_is_a_row_of_five_panels_or_four_without_stage_1(size: tuple[int, int], stage_1: bool, panels: int) -> None:  # noqa: FBT001
    drawn = figure(size, stage_1=stage_1)
    assert drawn.shape[1] == pytest.approx(panels * PANEL, abs=1)
    assert count_panels(drawn) == panels


def count_panels(drawn: npt.NDArray[np.uint8]) -> int:
    """Runs of columns that are not white anywhere at middle height."""
    middle = drawn.shape[0] // 2
    dark = (drawn[middle - 5 : middle + 5] < 250).any(axis=(0, 2))
    return int(np.count_nonzero(np.diff(np.concatenate([[0], dark.astype(int)])) == 1))


@pytest.mark.parametrize("size", [(40, 40), (30, 90), (120, 40)])
def test_panels_keep_the_image_s_proportions(size: tuple[int, int]) -> None:
    drawn = figure(size)
    colored = (drawn.max(axis=2).astype(int) - drawn.min(axis=2) > 40) & (drawn.max(axis=2) < 200)
    first = colored[:, :PANEL]  # the noise picture itself
    rows, columns = np.flatnonzero(first.any(axis=1)), np.flatnonzero(first.any(axis=0))
    extent = (rows[-1] - rows[0] + 1, columns[-1] - columns[0] + 1)
    assert extent[0] / extent[1] == pytest.approx(size[0] / size[1], rel=0.05)


def test_a_signed_map_is_drawn_in_diverging_colours_over_the_image() -> None:
    ramp = np.linspace(-1, 1, 1600, dtype=np.float32).reshape(40, 40)
    for saliency, diverging in ((ramp, True), (np.abs(ramp), False)):
        drawn = figure((40, 40), stage_1=False, saliency=saliency).astype(int)
        panel = drawn[:, 2 * PANEL : 3 * PANEL]
        blue = (panel[..., 2] > panel[..., 0] + 40) & (panel[..., 1] > panel[..., 0])
        assert blue.any() == diverging


def test_a_map_without_negative_values_is_drawn_in_its_own_colours() -> None:
    saliency = np.ones((40, 40), np.float32)
    drawn = figure((40, 40), stage_1=False, saliency=saliency)
    brightest = heat_map(saliency)[0, 0]
    panel = drawn[:, 2 * PANEL : 3 * PANEL]
    assert (panel == brightest).all(axis=2).mean() > 0.5


def test_captions_are_plain_text() -> None:
    """A class may be called $x^2$ or be written in another script."""
    drawn = [
        draw_figure(
            noise_image((20, 20)),
            prediction=np.zeros((20, 20), bool),
            sufficient_region=None,
            saliency=np.zeros((20, 20), np.float32),
            minimal_region=np.zeros((20, 20), bool),
            captions={**CAPTIONS, "prediction": name},
        )
        for name in ("$x^{", "50% $ a", "Straße")
    ]
    assert all(png.startswith(b"\x89PNG") for png in drawn)


def test_nothing_is_shown_and_no_global_state_is_left() -> None:
    import matplotlib as mpl  # noqa: PLC0415 - only this test looks at it
    import matplotlib.pyplot as plt  # noqa: PLC0415

    before = dict(mpl.rcParams)
    figure((20, 20))
    assert plt.get_fignums() == []
    assert dict(mpl.rcParams) == before
