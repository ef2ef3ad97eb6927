"""The smoothness term of eq. 1, which the paper names and does not use."""

from pathlib import Path

import numpy as np
import pytest

from misure_onnx.methods.misure import MiSuRe
from misure_onnx.methods.misure.minimal_region import _MaskInProgress
from misure_onnx.methods.optimiser.total_variation import total_variation
from tests.methods.asked import task_on
from tests.tiny_models import noise_image, small_network

SHAPE = (40, 48)


def test_the_loss_has_the_weighted_total_variation_of_the_grid() -> None:
    corner = np.zeros(SHAPE, bool)
    corner[:20, :24] = True
    schedule = MiSuRe.from_preset("paper", smoothness_weight=3.0, area_weight=0.0).schedule()
    mask = _MaskInProgress(corner, (4, 4), schedule)
    # Half of the rows and of the columns cross the corner's edge, once each: 2 of 12 differences along both axes.
    assert mask.penalty(mask.soft()) == pytest.approx(3.0 * (2 / 12 + 2 / 12))


def test_a_weight_makes_the_mask_smoother(tmp_path: Path) -> None:
    task = task_on(small_network(tmp_path / "net.onnx", size=SHAPE), noise_image(SHAPE, 3), preprocess="minus1_1")
    rough, smooth = (
        MiSuRe.from_preset("paper", iterations=15, tau=0.0, mask_size=20, smoothness_weight=weight)
        .attribute(task)
        .saliency
        for weight in (0.0, 5.0)
    )
    assert total_variation(smooth, 1)[0] < 0.1 * total_variation(rough, 1)[0]
