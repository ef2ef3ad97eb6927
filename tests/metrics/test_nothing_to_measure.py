"""Where a metric has no number, it says why; where no part is enough, the whole image is the answer."""

from pathlib import Path

import numpy as np

from misure_onnx.api import load_segmenter
from misure_onnx.errors import ModelOutputError
from misure_onnx.methods.progress import silent
from misure_onnx.methods.task import Task
from misure_onnx.metrics.base import MapCandidate, Rerun
from misure_onnx.metrics.max_sensitivity import MaxSensitivity
from misure_onnx.metrics.randomisation import Randomisation
from misure_onnx.metrics.restoring_area import RestoringArea
from misure_onnx.segmenter import CountingSegmenter, Segmenter
from misure_onnx.target import Target
from misure_onnx.types import Images, SaliencyMap
from tests.tiny_models import SIZE, bright_pixels, small_network

FLAT = np.zeros(SIZE, np.float32)


def rerun(model: Path) -> Rerun:
    """Of a method whose map is zero, and that fails on any model but its own."""
    segmenter = load_segmenter(model, "unit")
    image = np.random.default_rng(0).random((1, 3, *SIZE)).astype(np.float32)

    def explain(
        *, image: Images | None = None, seed: int | None = None, segmenter: Segmenter | None = None
    ) -> SaliencyMap:
        del image, seed
        if segmenter is not None:
            raise ModelOutputError("the model gave NaN")
        return FLAT

    return Rerun(explain=explain, saliency=FLAT, segmenter=segmenter, image=image, dice_in=lambda _: np.ones(1), seed=0)


def test_a_map_that_is_zero_has_no_relative_change(tmp_path: Path) -> None:
    found = MaxSensitivity().measure(rerun(small_network(tmp_path / "net.onnx")))
    assert found.value is None
    assert "zero everywhere" in found.details["reason"]


def test_a_randomised_model_that_cannot_be_explained_is_the_reason(tmp_path: Path) -> None:
    found = Randomisation(steps=2).measure(rerun(small_network(tmp_path / "net.onnx")))
    assert found.value is None
    assert found.details["reason"] == "the randomised model cannot be explained: the model gave NaN"


def test_where_even_the_whole_image_is_not_enough_it_is_the_area(tmp_path: Path) -> None:
    """As with a model that does not repeat itself; here the image is another one than the target's."""
    segmenter = CountingSegmenter(load_segmenter(bright_pixels(tmp_path / "bright.onnx"), "raw"))
    bright = np.zeros((1, 1, *SIZE), np.float32)
    bright[..., 5:9, 5:15] = 1  # 40 of 480 pixels
    target = Target.from_class(1).resolve(segmenter.spec, segmenter.predict(bright), SIZE)
    dark = np.zeros_like(bright)
    judge = Task(segmenter, dark, target, 0, 4, silent).judged
    found = RestoringArea(draws=2).measure(MapCandidate(FLAT, segmenter, dark, target, judge, "zero", 0))
    assert found.value == 480 / 40
