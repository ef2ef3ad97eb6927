"""How many images a call run fastest: on a model that says itself how long it takes, and on a real one."""

import itertools
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from misure_onnx.api import load_segmenter
from misure_onnx.backends import batch_sizes
from misure_onnx.backends.batch_sizes import measure_batch_sizes
from misure_onnx.errors import ModelError
from misure_onnx.segmenter import CountingSegmenter
from misure_onnx.types import Images, Scores
from tests.tiny_models import SIZE, pointwise

MEGABYTE = 2**20


def asleep(seconds_a_call: Callable[[int], float]) -> CountingSegmenter:
    """A segmenter whose calls take as long as they are said to."""

    def predict(images: Images) -> Scores:
        time.sleep(seconds_a_call(len(images)))
        return np.zeros((len(images), 2, 4, 4), np.float32)

    return CountingSegmenter(load_segmenter(predict, {"output": "logits", "size": [4, 4]}))


IMAGE = np.zeros((1, 3, 4, 4), np.float32)


@pytest.fixture(autouse=True)
def short(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(batch_sizes, "_SECONDS", 0.02)


def test_it_goes_on_while_more_images_a_call_are_faster_and_names_the_fastest() -> None:
    found = measure_batch_sizes(asleep(lambda n: 0.01 if n <= 4 else 0.01 * n), IMAGE)
    assert found.fastest == 4
    assert [one.images for one in found.tried] == [1, 2, 4, 8]
    assert found.ended == "8 images a call were slower"
    assert found.tried[2].seconds == pytest.approx(0.01 / 4, rel=0.5)


def test_a_size_that_fails_ends_it() -> None:
    def seconds(n: int) -> float:
        if n > 2:
            raise ModelError("out of memory")
        return 0.01

    found = measure_batch_sizes(asleep(seconds), IMAGE)
    assert [one.images for one in found.tried] == [1, 2]
    assert "4 images a call failed" in found.ended
    assert "out of memory" in found.ended


def test_a_model_that_does_not_run_at_all_says_so() -> None:
    loaded: list[bool] = []

    def seconds(n: int) -> float:
        if loaded:
            raise ModelError(f"no kernel for {n}")
        return 0

    segmenter = asleep(seconds)
    loaded.append(True)
    with pytest.raises(ModelError, match="no kernel for 1"):
        measure_batch_sizes(segmenter, IMAGE)


def test_it_ends_before_the_next_size_may_need_half_of_the_memory_left(monkeypatch: pytest.MonkeyPatch) -> None:
    grown = itertools.accumulate([0, 10, 10, 20, 20, 40], lambda total, more: total + more * MEGABYTE)
    monkeypatch.setattr(batch_sizes, "_largest_memory", lambda: next(grown))
    monkeypatch.setattr(batch_sizes, "_free_memory", lambda: 100 * MEGABYTE)
    found = measure_batch_sizes(asleep(lambda n: 0.005 + 0 * n), IMAGE)
    assert [one.memory // MEGABYTE for one in found.tried] == [10, 20, 40]
    assert found.ended == "8 images a call may need half of the 100 MB of memory left"


def test_a_real_model_is_tried_with_real_batches(tmp_path: Path) -> None:
    segmenter = CountingSegmenter(load_segmenter(pointwise(tmp_path / "m.onnx"), "unit"))
    found = measure_batch_sizes(segmenter, np.zeros((1, 3, *SIZE), np.float32))
    assert found.tried[0].images == 1
    assert found.fastest in [one.images for one in found.tried]
    assert all(one.seconds > 0 for one in found.tried)
