"""What a model misses and what it sees that is not there, counted by hand and explained."""

from pathlib import Path

import numpy as np
import pytest

from misure_onnx.api import error_target, load_segmenter
from misure_onnx.errors import ImageError, TargetError
from misure_onnx.instances.error_region import error_region
from misure_onnx.methods.smooth_grad import SmoothGrad
from misure_onnx.methods.sufficient_region import SufficientRegion
from tests.test_target import LABELS, scores_of, spec
from tests.tiny_models import noise_image, pointwise, small_network

CAR, PERSON = LABELS == 1, LABELS == 2
TRUTH = CAR | PERSON  # the persons are cars in truth, and so is all that was found
TRUTH[0, 3] = False  # but for one pixel


def test_what_is_missed_is_explained_as_what_the_model_says_instead() -> None:
    found = error_region(spec(), scores_of(LABELS), TRUTH, "car", "missed")
    assert (found.class_index, found.rival, found.kind) == (2, 1, "region")
    assert found.label == "person rather than car"
    assert np.array_equal(found.region, PERSON)
    assert found.notes == ("missed: 5 pixels at the network's size, of which 5 are person",)
    assert found.dice(found.predicted(scores_of(LABELS), spec().head))[0] == 1


def test_what_is_false_is_explained_without_the_rest_of_its_class() -> None:
    found = error_region(spec(), scores_of(LABELS), TRUTH, 1, "false")
    assert (found.class_index, found.rival) == (1, None)
    assert np.argwhere(found.region).tolist() == [[0, 3]]
    assert np.array_equal(found.domain, ~CAR | found.region)
    assert found.dice(CAR[None])[0] == 1


@pytest.mark.parametrize(
    ("truth", "kind", "message"),
    [
        (CAR, "missed", "nothing missed of car in this image: none of its 9 pixels is missed"),
        (CAR, "false", "nothing false of car in this image: all 9 pixels predicted as it are right"),
    ],
)
def test_no_error_is_no_target(truth: np.ndarray[tuple[int, ...], np.dtype[np.bool_]], kind: str, message: str) -> None:
    with pytest.raises(TargetError, match=message):
        error_region(spec(), scores_of(LABELS), truth, "car", kind)  # type: ignore[arg-type]


def test_a_channel_that_says_nothing_is_asked_about_itself() -> None:
    scores = np.where(CAR, 0.9, 0.1).astype(np.float32)[None, None]
    found = error_region(spec(("car",), "sigmoid"), scores, TRUTH, "car", "missed")
    assert (found.class_index, found.rival) == (0, None)
    assert np.array_equal(found.region, TRUTH & ~CAR)
    assert "the model says nothing there, so that car itself is asked about" in found.notes[0]


def test_an_error_of_a_real_network_is_explained_at_the_image_s_size(tmp_path: Path) -> None:
    segmenter = load_segmenter(small_network(tmp_path / "net.onnx", size=(40, 52)), "minus1_1")
    image, truth = noise_image((80, 104), 2), np.zeros((80, 104), np.uint8)
    truth[:40] = 1
    for kind in ("missed", "false"):
        target = error_target(segmenter, image, truth, 1, kind)  # type: ignore[arg-type]
        found = SufficientRegion().explain(segmenter, image, target)
        assert found.provenance.status == "ok"
        assert found.certificate.dice > 0.9
        assert not (found.prediction & (truth == (1 if kind == "false" else 0))).any()


def test_a_missed_object_of_one_channel_is_shown_by_its_scores(tmp_path: Path) -> None:
    segmenter = load_segmenter(pointwise(tmp_path / "one.onnx", classes=1, ending="sigmoid"), "unit")
    image = noise_image((20, 24), 1)
    target = error_target(segmenter, image, np.ones((20, 24), bool), 0, "missed")
    found = SmoothGrad(samples=2).explain(segmenter, image, target)
    assert found.channels is not None
    assert max(abs(one.peak_positive) + abs(one.peak_negative) for one in found.channels.channels) > 0


def test_a_ground_truth_of_another_size_is_refused(tmp_path: Path) -> None:
    segmenter = load_segmenter(small_network(tmp_path / "net.onnx", size=(40, 52)), "minus1_1")
    with pytest.raises(ImageError, match="the ground truth is 4x4, the image 52x40"):
        error_target(segmenter, noise_image((40, 52)), np.ones((4, 4), bool), 1, "missed")
