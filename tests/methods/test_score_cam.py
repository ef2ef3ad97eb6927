"""Score-CAM: slowly, one forward after the other."""

from pathlib import Path

import numpy as np
import pytest

from misure_onnx.errors import ParameterError
from misure_onnx.mask import resize_map
from misure_onnx.methods.score_cam import ScoreCam
from tests.methods.asked import task_on
from tests.methods.layered import SIZE, blocky_image, layered, maps_of
from tests.tiny_models import disc_image, pointwise, uniform


@pytest.mark.parametrize(("value", "softmax"), [("mean_probability", False), ("mean_score", False), ("dice", True)])
def test_the_map_is_the_definition(tmp_path: Path, value: str, softmax: bool) -> None:  # noqa: FBT001 - a case
    task = task_on(layered(tmp_path / "net.onnx"), blocky_image())
    a, region = maps_of(task.image), task.target.region

    def score(image: np.ndarray) -> float:
        logits = task.segmenter.predict(image.astype(np.float32))[0].astype(np.float64)
        if value == "mean_score":
            return float(logits[1][region].mean())
        if value == "dice":
            found = logits[1] > logits[0]
            return float(2 * (found & region).sum() / (found.sum() + region.sum()))
        return float((1 / (1 + np.exp(logits[0] - logits[1])))[region].mean())

    weights = []
    for plane in a:
        large = resize_map(plane.astype(np.float32), SIZE)
        mask = (large - large.min()) / (large.max() - large.min())
        weights.append(score(task.image * mask) - score(task.image * 0))
    if softmax:
        weights = list(np.exp(weights) / np.exp(weights).sum())
    coarse = np.maximum(np.tensordot(weights, a, axes=1), 0).astype(np.float32)
    found = ScoreCam.with_parameters({"value": value, "softmax": softmax}).attribute(task)
    assert found.trace["weights"] == pytest.approx(weights, rel=1e-4)
    np.testing.assert_allclose(found.saliency, resize_map(coarse, SIZE), rtol=1e-3, atol=1e-5)
    assert any("layer 'maps'" in note for note in found.notes)


def test_a_constant_map_is_not_asked_about(tmp_path: Path) -> None:
    """A grey image without noise: every block of every channel is the same."""
    task = task_on(layered(tmp_path / "net.onnx"), np.full((*SIZE, 3), 200, np.uint8))
    before = task.segmenter.forwards
    found = ScoreCam().attribute(task)
    assert task.segmenter.forwards - before == 1  # the baseline
    assert found.trace["weights"] == [0, 0, 0]
    assert found.status == "uninformative"


def test_a_model_that_gives_labels_only_is_served(tmp_path: Path) -> None:
    task = task_on(pointwise(tmp_path / "net.onnx", ending="argmax"), np.repeat(disc_image()[..., None], 3, axis=2))
    assert ScoreCam(layer="blocks", value="dice").attribute(task).saliency.shape == SIZE


def test_a_model_that_ignores_the_image_gives_no_signal(tmp_path: Path) -> None:
    found = ScoreCam().attribute(task_on(uniform(tmp_path / "net.onnx"), blocky_image()))
    assert not found.saliency.any()
    assert found.status == "uninformative"


@pytest.mark.parametrize(("name", "wrong"), [("value", "area"), ("threshold", 1.0)])
def test_a_parameter_outside_its_range_is_refused(name: str, wrong: object) -> None:
    with pytest.raises(ParameterError, match=name):
        ScoreCam.with_parameters({name: wrong})
