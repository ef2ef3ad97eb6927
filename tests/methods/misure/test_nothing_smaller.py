"""Where a region has to grow before it can be pruned, and where nothing smaller than it is enough."""

from pathlib import Path
from typing import cast

import numpy as np
import pytest

from misure_onnx.methods.misure.constrained import Found, Search, Wanted, _confirmed, explored, minimal_region
from misure_onnx.methods.misure.minimal_region import MaskCandidate, OptimisedMask
from misure_onnx.methods.misure.sweep import Sweep
from misure_onnx.methods.sufficiency import Sufficiency
from misure_onnx.types import Region
from tests.methods.asked import task_on
from tests.methods.misure.test_area_sweep import LinearEvidence
from tests.tiny_models import disc_image

SHAPE = (20, 24)
START = np.zeros(SHAPE, bool)
START[8:12, 8:14] = True


def wanted(least: float, groups: tuple[tuple[int, ...], ...] = ((0,),)) -> Wanted:
    """Enough is what covers a share of the image."""
    return Wanted(cast("Sufficiency", lambda region: bool(region.mean() >= least)), (), groups)


def not_pruned(start: Region) -> OptimisedMask:
    """As a route that finds nothing to leave out."""
    soft = start.astype(np.float32)
    return OptimisedMask(MaskCandidate(soft, start, 1.0, 0), (), 1)


@pytest.mark.parametrize("least", [0.3, 1.0])
def test_a_start_that_does_not_pass_is_grown_until_it_does(least: float) -> None:
    found = minimal_region(not_pruned, START, wanted(least, ((0,), (1,))), block_checks=0)
    assert found.start.mean() >= least > START.mean()
    assert found.start[START].all()
    assert found.region.mean() >= least
    assert found.minimality is None  # no block was to be left out


def test_a_mask_of_equal_values_cannot_be_grown_by_its_best_pixels() -> None:
    flat = MaskCandidate(np.ones(SHAPE, np.float32), START, 0.5, 3)
    chosen, notes = _confirmed(OptimisedMask(flat, (), 4), np.ones(SHAPE, bool), lambda region: bool(region.all()))
    assert chosen.region.all()
    assert "the sufficient region was kept" in notes[0]


def test_where_every_pixel_is_needed_the_alternative_is_the_same_region(bright_pixels: Path) -> None:
    start = np.ones(SHAPE, bool)
    gradient = LinearEvidence(np.ones(SHAPE, np.float32))
    sweep = Sweep(0.9, 5, 0, 0.0, SHAPE, ((0,),))
    found = Found(start.astype(np.float32), start, start, 0, {})
    more = explored(found, task_on(bright_pixels, disc_image()), gradient, wanted(1.0), Search(sweep, 0, 0, 1))
    (alternative,) = more.alternatives
    assert alternative.all()
    assert more.evaluations == len(gradient.asked) == 3 * 5  # each of the three weights was tried
