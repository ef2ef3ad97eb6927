"""What both stages of MiSuRe do in another way where an image has a third axis."""

from pathlib import Path

import numpy as np
import pytest

from misure_onnx.api import load_segmenter
from misure_onnx.mask import dilate
from misure_onnx.methods.misure import MiSuRe
from misure_onnx.methods.misure.forward_only.cells import CellGrid
from misure_onnx.methods.misure.forward_only.credit import shared_credit
from misure_onnx.methods.progress import silent
from misure_onnx.methods.sufficient_region import most_dilations
from misure_onnx.methods.task import Task
from misure_onnx.segmenter import CountingSegmenter
from misure_onnx.target import Target
from misure_onnx.types import Size
from tests.tiny_models import bright_pixels

SIZE = (9, 12, 14)


@pytest.mark.parametrize("size", [(9, 12, 14), (5, 5, 40), (20, 20, 20), (4, 3, 2)])
def test_the_farthest_corner_is_reached_within_the_stated_number_of_dilations(size: Size) -> None:
    region, dilations = np.zeros(size, bool), 0
    region[0, 0, 0] = True
    while not region[-1, -1, -1]:
        region, dilations = dilate(region), dilations + 1
    assert dilations <= most_dilations(*size)


def test_one_changed_cell_gets_the_whole_change_around_it() -> None:
    grid = CellGrid((10, 12, 14), np.ones((20, 24, 28), bool))
    kept = np.ones(grid.shape, bool)
    asked = kept.copy()
    asked[5, 6, 7] = False
    changes = np.zeros((20, 24, 28), np.float32)
    changes[9:13, 11:15, 13:17] = -0.001  # around the cell: 64 voxels
    credit = shared_credit(grid, changes, kept, asked)
    assert credit[5, 6, 7] == pytest.approx(0.064, rel=0.05)
    assert np.count_nonzero(credit) == 1


@pytest.mark.parametrize(("mask_size", "expected"), [(224, SIZE), (10, (9, 10, 10)), (4, (4, 4, 4))])
def test_the_grid_is_no_finer_than_the_voxels(tmp_path: Path, mask_size: int, expected: Size) -> None:

    segmenter = CountingSegmenter(load_segmenter(bright_pixels(tmp_path / "bright.onnx", size=SIZE), {}))
    volume = np.ones((1, 1, *SIZE), np.float32)
    target = Target.from_class(1).resolve(segmenter.spec, segmenter.predict(volume), SIZE)
    task = Task(segmenter, volume, target, 0, 1, silent)
    assert MiSuRe(mask_size=mask_size).search(task).sweep.grid_size == expected
