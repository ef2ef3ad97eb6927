"""Pieces of metrics that go another way for volumes."""

import numpy as np
import pytest

from misure_onnx.metrics.base import TruthCandidate
from misure_onnx.metrics.pixel_levels import shifted
from misure_onnx.metrics.pointing_game import PointingGame
from misure_onnx.preprocessing import Preprocessing

SIZE = (6, 7, 8)


@pytest.mark.parametrize(("tolerance", "expected"), [(0, 0.0), (1, 0.0), (2, 1.0)])
def test_the_pointing_game_measures_its_tolerance_along_three_axes(tolerance: int, expected: float) -> None:
    truth, saliency = np.zeros(SIZE, bool), np.zeros(SIZE, np.float32)
    truth[3, 3, 3] = True
    saliency[4, 4, 4] = 1  # the square root of 3 away
    assert PointingGame(tolerance=tolerance).measure(TruthCandidate(saliency, truth)).value == expected


def test_a_level_of_a_volume_is_a_255th_of_its_channel_s_range() -> None:
    volume = np.random.default_rng(0).random((1, 2, *SIZE)).astype(np.float32)
    volume[0, 1] *= 1000
    levels = np.random.default_rng(1).integers(-20, 21, (2, *SIZE))
    moved = shifted(volume, levels, Preprocessing())
    for own, after, by in zip(volume[0], moved[0], levels, strict=True):
        low, high = float(own.min()), float(own.max())
        assert after == pytest.approx(np.clip(own + by * (high - low) / 255, low, high), rel=1e-4, abs=1e-5)
