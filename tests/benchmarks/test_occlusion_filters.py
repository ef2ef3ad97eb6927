"""Deletion curves known by hand: a model that decides pixel by pixel."""

from pathlib import Path

import numpy as np
import pytest

from benchmarks.occlusion_filters import STEPS, deletion
from tests.methods.asked import task_on
from tests.tiny_models import disc_image


def test_deleting_the_object_first_loses_it_pixel_by_pixel(bright_pixels: Path) -> None:
    task = task_on(bright_pixels, disc_image())
    region, pixels = task.target.region, task.target.region.size
    curve = deletion(task, region.astype(np.float32), task.rng())
    for k, dice in enumerate(curve):
        left = max(0, int(region.sum()) - round(k / STEPS * pixels))
        assert dice == pytest.approx(2 * left / (region.sum() + left))


def test_deleting_the_object_last_keeps_it_until_its_turn(bright_pixels: Path) -> None:
    task = task_on(bright_pixels, disc_image())
    curve = deletion(task, (~task.target.region).astype(np.float32), task.rng())
    assert len(curve) == STEPS + 1
    outside = 1 - task.target.region.mean()
    assert [dice == 1 for dice in curve] == [k / STEPS <= outside for k in range(STEPS + 1)]
