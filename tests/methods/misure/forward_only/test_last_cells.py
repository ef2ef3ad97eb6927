"""Where the routes without gradients end: at nothing, and at cells finer than those that they began with."""

from pathlib import Path

import numpy as np
import pytest

from misure_onnx.methods.misure.forward_only import FORWARD_ROUTES
from misure_onnx.methods.misure.forward_only.cost import Cost
from misure_onnx.methods.misure.forward_only.questions import Questions
from misure_onnx.methods.misure.forward_only.search import COARSEST, search
from tests.methods.asked import task_on
from tests.tiny_models import key_region, noise_image, uniform


@pytest.mark.parametrize("route", FORWARD_ROUTES)
def test_where_no_pixel_is_needed_none_is_left_and_the_budget_is_not_spent(tmp_path: Path, route: str) -> None:
    task = task_on(uniform(tmp_path / "uniform.onnx"), noise_image())
    questions = Questions(task, np.zeros_like(task.image), 0.9, 5000)
    region = FORWARD_ROUTES[route](questions, np.ones(task.size, bool), Cost(0), 24)
    assert not region.any()
    assert questions.spent < 5000


def test_a_search_that_stalls_goes_on_with_cells_of_half_the_side(tmp_path: Path) -> None:
    shape = (2 * COARSEST, 2 * COARSEST)
    thing, key = np.zeros(shape, bool), np.zeros(shape, bool)
    thing[98:106, 98:106] = True
    key[100, 98:106] = True  # more than four of its eight pixels are needed
    model = key_region(tmp_path / "key.onnx", object_region=thing, key=key)
    task = task_on(model, np.full(shape, 255, np.uint8), declared_layout="NCHW")
    found = search(Questions(task, np.zeros_like(task.image), 0.9, 600), thing, Cost(0), 2 * COARSEST)
    assert (found & key).sum() >= 5
    assert found.sum() < 12  # three cells of 2x2 pixels hold at most six of the key's
