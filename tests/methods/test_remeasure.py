"""Further metrics of an explanation that exists."""

from pathlib import Path

import numpy as np
import pytest

from misure_onnx.api import load_segmenter, make_metrics
from misure_onnx.errors import InputError, ParameterError
from misure_onnx.explanation import Explanation
from misure_onnx.methods.remeasure import measure
from misure_onnx.methods.rise import Rise
from misure_onnx.segmenter import Segmenter
from misure_onnx.target import Target
from tests.tiny_models import SIZE, noise_image, small_network

IMAGE = noise_image(SIZE, 4)
TRUTH = np.eye(*SIZE, dtype=bool)


@pytest.fixture
def segmenter(tmp_path: Path) -> Segmenter:
    return load_segmenter(small_network(tmp_path / "net.onnx"), "minus1_1")


def explained(segmenter: Segmenter, target: Target, names: str | None = None) -> Explanation:
    metrics = make_metrics(names, truth=True) if names else None
    return Rise(masks=20, baseline="mean").explain(segmenter, IMAGE, target, metrics=metrics, truth=TRUTH, seed=2)


@pytest.mark.parametrize(
    "target", [Target(), Target.at(5, 6), Target.from_class(1, against=2)], ids=["class", "object", "contrast"]
)
def test_a_loaded_explanation_measures_what_explaining_would_have(
    segmenter: Segmenter, target: Target, tmp_path: Path
) -> None:
    """The image has the network's size, so that nothing is resized."""
    loaded = Explanation.load(explained(segmenter, target).save(tmp_path / "out"))
    measured = measure(loaded, segmenter, IMAGE, make_metrics("standard", truth=True), truth=TRUTH)
    at_once = explained(segmenter, target, "standard")
    assert measured.metrics.more == at_once.metrics.more
    assert measured.provenance.notes == at_once.provenance.notes
    again = measure(measured, segmenter, IMAGE, make_metrics("insertion", {"insertion.steps": "3"}))
    assert again.metrics.more["insertion"].parameters["steps"] == 3
    assert again.metrics.more["deletion"] == at_once.metrics.more["deletion"]


def test_a_map_that_was_resized_is_noted(segmenter: Segmenter) -> None:
    image = noise_image((31, 45))
    explanation = Rise(masks=20).explain(segmenter, image)
    measured = measure(explanation, segmenter, image, make_metrics("image_preserved"))
    assert "measured on the saved map" in measured.provenance.notes[-1]


@pytest.mark.parametrize("name", ["seed_agreement", "dice_explained"])
def test_what_needs_the_method_is_refused(segmenter: Segmenter, name: str) -> None:
    with pytest.raises(ParameterError, match=rf"{name} needs the method itself, .* explain again"):
        measure(explained(segmenter, Target()), segmenter, IMAGE, make_metrics(name))


def test_another_image_or_model_is_refused(segmenter: Segmenter, tmp_path: Path) -> None:
    explanation = explained(segmenter, Target())
    metrics = make_metrics("image_preserved")
    with pytest.raises(InputError, match="made with another image"):
        measure(explanation, segmenter, noise_image(SIZE, 5), metrics)
    other = load_segmenter(small_network(tmp_path / "other.onnx", classes=5), "minus1_1")
    with pytest.raises(InputError, match="made with another model"):
        measure(explanation, other, IMAGE, metrics)
