"""What is asked and what comes back."""

from pathlib import Path

import numpy as np
import pytest

from misure_onnx.methods.misure.forward_only.cells import CellGrid
from misure_onnx.methods.misure.forward_only.cost import Cost
from misure_onnx.methods.misure.forward_only.questions import BudgetSpent, Questions, presence
from misure_onnx.scores import Head
from misure_onnx.target import ResolvedTarget
from tests.methods.asked import task_on
from tests.tiny_models import noise_image, small_network

SIZE = (40, 52)


def target_of(index: int, rival: int | None = None) -> ResolvedTarget:
    everywhere = np.ones((6, 7), bool)
    return ResolvedTarget(index, None, "class", everywhere, everywhere, rival=rival)


def test_the_presence_of_a_contrast_is_its_share_of_the_two_classes() -> None:
    scores = np.random.default_rng(0).normal(0, 3, (1, 4, 6, 7)).astype(np.float32)
    seen = presence(Head("logits"), scores, target_of(1, rival=3))
    assert seen == pytest.approx(1 / (1 + np.exp(scores[0, 3] - scores[0, 1])), abs=1e-6)


@pytest.mark.parametrize("classes", [1, 2, 5])
def test_the_presence_of_a_logit_is_the_sigmoid_of_its_margin_over_the_best_rival(classes: int) -> None:
    scores = np.random.default_rng(0).normal(0, 3, (1, classes, 6, 7)).astype(np.float32)
    for index in range(classes):
        rivals = np.delete(scores[0], index, axis=0)
        margin = scores[0, index] - rivals.max(axis=0) if classes > 1 else np.full((6, 7), np.inf)
        seen = presence(Head("logits"), scores, target_of(index))
        assert seen == pytest.approx(1 / (1 + np.exp(-margin)), abs=1e-6)
        assert np.array_equal(seen > 0.5, Head("logits").membership(scores, index)[0])


@pytest.mark.parametrize("kind", ["softmax", "sigmoid", "labels"])
def test_the_presence_of_a_probability_is_itself(kind: str) -> None:
    scores = np.random.default_rng(0).random((1, 3, 6, 7)).astype(np.float32)
    assert np.array_equal(presence(Head(kind), scores, target_of(2)), scores[0, 2])  # type: ignore[arg-type]


def test_an_answer_is_what_the_deployed_model_says(tmp_path: Path) -> None:
    task = task_on(small_network(tmp_path / "net.onnx", size=SIZE), noise_image(SIZE, 2), preprocess="minus1_1")
    questions = Questions(task, np.zeros_like(task.image), 0.9, 10)
    half = np.zeros(SIZE, bool)
    half[:20] = True
    answer = questions.ask_one(half)
    assert answer.dice == task.dice(half[None].astype(np.float32), np.zeros_like(task.image))[0]
    everything = questions.ask_one(np.ones(SIZE, bool))
    assert everything.dice == 1
    assert everything.score > answer.score
    assert questions.spent == 2


def test_a_budget_that_does_not_reach_is_not_touched(tmp_path: Path) -> None:
    task = task_on(small_network(tmp_path / "net.onnx", size=SIZE), noise_image(SIZE, 2), preprocess="minus1_1")
    questions = Questions(task, np.zeros_like(task.image), 0.9, 3)
    before = task.segmenter.forwards
    with pytest.raises(BudgetSpent):
        questions.afford(4)
    assert len(list(questions.ask([np.ones(SIZE, bool)] * 3))) == 3
    with pytest.raises(BudgetSpent):
        questions.ask_one(np.ones(SIZE, bool))
    assert questions.spent == task.segmenter.forwards - before == 3


def test_the_cost_is_the_area_and_with_a_weight_the_contour_too() -> None:
    grid = CellGrid((4, 5), np.ones((8, 10), bool))
    cells = np.zeros((4, 5), bool)
    cells[1, 1:3] = True
    assert Cost(0.0)(grid, cells) == 8
    # Borders: 4 between rows (of 15), 2 between columns (of 16); 80 pixels.
    assert Cost(0.1)(grid, cells) == pytest.approx(8 + 0.1 * (4 / 15 + 2 / 16) * 80)


def test_a_smooth_region_has_cells_of_the_size_of_the_object_s_smoothing() -> None:
    thing = np.zeros((100, 200), bool)
    thing[:40, :40] = True
    assert Cost.finest_grid(224, 0.0, thing) == 224
    assert Cost.finest_grid(224, 0.1, thing) == 25  # cells of 8 pixels
    assert Cost.finest_grid(20, 0.1, thing) == 20
    assert Cost.of(0.0) == Cost(0.0) != Cost.of(0.1)
