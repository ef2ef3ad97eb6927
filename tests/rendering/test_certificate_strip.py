"""The strip under the figure shows what the certificate says."""

import io

import cv2
import numpy as np
import numpy.typing as npt
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure

from misure_onnx.rendering.certificate_strip import FAILS, NEUTRAL, PASSES, Bar, Finding, draw_strip


def drawn(bars: list[Bar], tau: float | None, findings: list[Finding]) -> npt.NDArray[np.uint8]:
    figure = Figure(figsize=(12, 2), dpi=80, layout="constrained")
    draw_strip(figure, bars, tau, findings)
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png")
    decoded = cv2.imdecode(np.frombuffer(buffer.getvalue(), np.uint8), cv2.IMREAD_COLOR)
    assert decoded is not None
    return np.asarray(decoded[..., ::-1], np.uint8)


def pixels_of(picture: npt.NDArray[np.uint8], color: str) -> int:
    wanted = np.round(np.array(to_rgb(color)) * 255)
    return int((np.abs(picture.astype(int) - wanted).max(axis=2) <= 2).sum())


def test_bars_have_the_colour_of_their_verdict_and_the_length_of_their_dice() -> None:
    both = [Bar("zero", 0.95, required=True), Bar("mean", 0.475, required=False)]
    picture = drawn(both, 0.9, [])
    assert pixels_of(picture, PASSES) > 0
    assert abs(pixels_of(picture, PASSES) / pixels_of(picture, FAILS) - 2) < 0.2


def test_without_a_tau_nothing_passes_or_fails() -> None:
    picture = drawn([Bar("zero", 0.95, required=True)], None, [])
    assert pixels_of(picture, PASSES) == pixels_of(picture, FAILS) == 0
    assert pixels_of(picture, NEUTRAL) > 0


def test_findings_are_marked_by_what_they_speak_for_and_are_plain_text() -> None:
    bars = [Bar("zero", 0.5, required=True)]
    for good, color in ((True, PASSES), (False, FAILS)):
        picture = drawn(bars, None, [Finding(good, "50 % of $x^{ is")])
        assert pixels_of(picture, color) > 0
    neutral = drawn(bars, None, [Finding(None, "so it is")])
    assert pixels_of(neutral, PASSES) == pixels_of(neutral, FAILS) == 0
