"""A region passes only if it does under every baseline; a failing one costs few forwards."""

from pathlib import Path

import numpy as np
import pytest

from misure_onnx.methods.sufficiency import Sufficiency, dice_of, margins_of
from misure_onnx.methods.task import Task
from tests.methods.asked import task_on
from tests.tiny_models import disc_image

DISC = disc_image(radius=7)


@pytest.fixture
def task(bright_pixels: Path) -> Task:
    """Every pixel brighter than one half is the object, each for itself."""
    return task_on(bright_pixels, DISC)


def baselines(task: Task, *levels: float) -> list[np.ndarray[tuple[int, ...], np.dtype[np.float32]]]:
    return [np.full_like(task.image, level) for level in levels]


def test_one_failing_baseline_is_enough_to_fail(task: Task) -> None:
    disc = DISC > 0
    assert Sufficiency(task, baselines(task, 0.0, 0.2), 0.9)(disc)
    assert not Sufficiency(task, baselines(task, 0.0, 1.0), 0.9)(disc)  # everything around it becomes the object
    assert Sufficiency(task, baselines(task, 0.0, 1.0), 0.9)(np.ones_like(disc))


def test_tau_itself_does_not_pass(task: Task) -> None:
    disc = DISC > 0
    half = disc & (np.arange(disc.shape[1]) < 12)
    dice = dice_of(task, half, baselines(task, 0.0)[0])
    assert dice == pytest.approx(2 * half.sum() / (half.sum() + disc.sum()))
    assert not Sufficiency(task, baselines(task, 0.0), dice)(half)
    assert Sufficiency(task, baselines(task, 0.0), dice - 1e-6)(half)


def test_the_baseline_that_failed_last_is_asked_first(task: Task) -> None:
    passes = Sufficiency(task, baselines(task, 0.0, 0.1, 1.0), 0.9)
    before = task.segmenter.forwards
    assert not passes(DISC > 0)
    assert task.segmenter.forwards - before == 3
    assert not passes(DISC > 0)
    assert task.segmenter.forwards - before == 4


@pytest.mark.parametrize("levels", [(0.0,), (0.0, 0.2)])
def test_the_first_region_that_is_enough_is_the_one_found_one_after_the_other(
    task: Task, levels: tuple[float, ...]
) -> None:
    disc = DISC > 0
    width = np.arange(disc.shape[1])
    regions = [disc & (width < end) for end in (8, 12, 16, 20, 24, 30)]
    passes = Sufficiency(task, baselines(task, *levels), 0.9)
    one_by_one = [passes(region) for region in regions]
    assert True in one_by_one[1:]
    assert False in one_by_one
    for asked in (regions, regions[::-1]):
        for until in (True, False):
            answers = [passes(region) for region in asked]
            place = answers.index(until)
            told = margins_of(passes, asked, until=until)
            assert [margin > 0 for margin in told] == answers[: place + 1]
            if len(levels) == 1:
                zero = baselines(task, *levels)[0]
                assert told == pytest.approx([dice_of(task, region, zero) - 0.9 for region in asked[: place + 1]])
            plain = margins_of(lambda region: passes(region), asked, until=until)  # noqa: PLW0108
            assert plain == [1.0 if answer else -1.0 for answer in answers[: place + 1]]
            assert len(margins_of(passes, asked[:place], until=until)) == place
    assert margins_of(passes, [], until=True) == []
