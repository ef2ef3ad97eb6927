"""Several methods in one figure."""

import cv2
import numpy as np
import pytest

from misure_onnx.rendering.methods_figure import MethodColumn, draw_methods
from tests.tiny_models import noise_image

PANEL = 286
"""Pixels a panel: 2.6 inches at 110 dots an inch."""


def drawn(methods: int, size: tuple[int, int] = (40, 50)) -> np.ndarray[tuple[int, ...], np.dtype[np.uint8]]:
    region = np.zeros(size, bool)
    region[5:20, 5:20] = True
    signed = np.linspace(-1, 1, region.size, dtype=np.float32).reshape(size)
    columns = [MethodColumn(f"m$_{n}", signed if n % 2 else abs(signed), region, "Dice\narea") for n in range(methods)]
    png = draw_methods(noise_image(size), region, "50% $ a", columns)
    decoded = cv2.imdecode(np.frombuffer(png, np.uint8), cv2.IMREAD_COLOR)
    assert decoded is not None
    return np.asarray(decoded, np.uint8)


@pytest.mark.parametrize(("methods", "across", "bands"), [(2, 3, 1), (6, 7, 1), (7, 7, 2), (13, 7, 3)])
def test_a_column_a_method_beside_the_image_wrapped_after_six(methods: int, across: int, bands: int) -> None:
    figure = drawn(methods)
    assert figure.shape[1] == pytest.approx(across * PANEL, abs=1)
    assert figure.shape[0] == pytest.approx(bands * drawn(2).shape[0], abs=bands)


def test_a_very_tall_image_keeps_the_figure_bounded() -> None:
    assert max(drawn(2, (400, 25)).shape) < 4000
