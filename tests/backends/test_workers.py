"""Several forwards at the same time: the same answers in the same order, and errors that arrive."""

import itertools
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from benchmarks.shared_data import Triple
from misure_onnx.api import load_segmenter
from misure_onnx.backends import onnx_runtime
from misure_onnx.backends.onnx_runtime import OnnxRuntimeSegmenter
from misure_onnx.errors import ModelError
from misure_onnx.images import load_image
from misure_onnx.segmenter import CountingSegmenter, Predict
from misure_onnx.types import Images, Scores
from tests.shared_data import real_models
from tests.tiny_models import SIZE, pointwise

ITEMS = range(9)


def image(k: int) -> Images:
    return np.random.default_rng(k).random((1, 3, *SIZE), np.float32)


@pytest.fixture(params=[1, 3])
def segmenter(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> OnnxRuntimeSegmenter:
    monkeypatch.setattr(onnx_runtime, "most_workers", lambda: request.param)
    made = load_segmenter(pointwise(tmp_path / "m.onnx"), "unit")
    assert isinstance(made, OnnxRuntimeSegmenter)
    assert made.spec.workers == request.param
    return made


def scores_of(predict: Predict, k: int) -> Scores:
    return predict(image(k))


def test_results_come_in_the_order_of_the_items_and_are_those_of_one_call_at_a_time(
    segmenter: OnnxRuntimeSegmenter,
) -> None:
    for k, found in zip(ITEMS, segmenter.concurrently(scores_of, ITEMS), strict=True):
        assert np.array_equal(found, segmenter.predict(image(k)))


def test_as_many_run_at_the_same_time_as_the_specification_says(segmenter: OnnxRuntimeSegmenter) -> None:
    """Every item waits for others until as many as there are workers have met; with fewer at once this would hang."""
    meeting = threading.Barrier(segmenter.spec.workers, timeout=30)

    def met(predict: Predict, k: int) -> Scores:
        meeting.wait()
        return scores_of(predict, k)

    assert len(list(segmenter.concurrently(met, range(9)))) == 9


def test_an_error_of_one_item_is_raised_and_the_next_call_works(segmenter: OnnxRuntimeSegmenter) -> None:
    def wrong_size(predict: Predict, k: int) -> Scores:
        return predict(image(k)[..., :-1] if k == 2 else image(k))

    with pytest.raises(ModelError, match="could not run"):
        list(segmenter.concurrently(wrong_size, ITEMS))
    assert len(list(segmenter.concurrently(scores_of, ITEMS))) == len(ITEMS)


def test_an_error_of_the_question_whether_to_go_on_is_raised(segmenter: OnnxRuntimeSegmenter) -> None:
    def broken(_: Scores) -> bool:
        raise ValueError("no answer")

    with pytest.raises(ValueError, match="no answer"):
        list(segmenter.concurrently(scores_of, ITEMS, broken))


def test_every_forward_is_counted(segmenter: OnnxRuntimeSegmenter) -> None:
    counting = CountingSegmenter(segmenter)
    list(counting.concurrently(scores_of, ITEMS))
    assert counting.forwards == len(ITEMS)


@pytest.mark.parametrize("last", [0, 1, 4, len(ITEMS) - 1])
@pytest.mark.parametrize("slow", [0, 1])
def test_the_last_wanted_item_ends_the_line_after_as_many_forwards_whatever_is_faster(
    segmenter: OnnxRuntimeSegmenter, last: int, slow: int
) -> None:
    counting = CountingSegmenter(segmenter)

    def numbered(predict: Predict, k: int) -> int:
        time.sleep(0.01 if k % 2 == slow else 0.0)
        scores_of(predict, k)
        return k

    assert list(counting.concurrently(numbered, ITEMS, lambda k: k == last)) == list(range(last + 1))
    assert counting.forwards == min(last + segmenter.spec.workers, len(ITEMS))


def test_nothing_goes_on_after_a_caller_who_left(segmenter: OnnxRuntimeSegmenter) -> None:
    counting = CountingSegmenter(segmenter)
    results = counting.concurrently(scores_of, itertools.count())
    next(results)
    results.close()  # type: ignore[attr-defined]
    begun = counting.forwards
    time.sleep(0.05)
    assert counting.forwards == begun
    assert begun <= 6 * segmenter.spec.workers


def test_an_error_while_an_item_is_made_is_raised_after_the_results_before_it(segmenter: OnnxRuntimeSegmenter) -> None:
    def broken() -> Iterator[int]:
        yield from range(3)
        raise ValueError("no fourth item")

    results = segmenter.concurrently(scores_of, broken())
    assert len([next(results) for _ in range(3)]) == 3
    with pytest.raises(ValueError, match="no fourth item"):
        next(results)


def test_a_segmenter_that_cannot_run_several_runs_one_after_the_other(segmenter: OnnxRuntimeSegmenter) -> None:
    def network(images: Images) -> Scores:
        return segmenter.predict(images)

    declared = {"size": [*SIZE], "output": "logits"}
    counting = CountingSegmenter(load_segmenter(network, declared))
    found: Iterator[Scores] = counting.concurrently(scores_of, ITEMS)
    assert all(np.array_equal(scores, segmenter.predict(image(k))) for k, scores in zip(ITEMS, found, strict=True))
    assert counting.forwards == len(ITEMS)


@pytest.mark.parametrize("triple", real_models())
def test_real_models_give_the_same_scores_on_every_share_of_the_processors(
    triple: Triple, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(onnx_runtime, "most_workers", lambda: 2)
    segmenter = load_segmenter(triple.model, triple.preprocessing)
    assert isinstance(segmenter, OnnxRuntimeSegmenter)
    x = segmenter.prepare(load_image(triple.image))
    alone = segmenter.predict(x)
    for found in segmenter.concurrently(lambda predict, images: predict(images), [x, x]):
        assert np.array_equal(found, alone)
