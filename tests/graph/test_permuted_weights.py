"""Destroying what a model has learned, tensor by tensor."""

import hashlib
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import numpy_helper

from benchmarks.shared_data import Triple
from misure_onnx.api import load_segmenter
from misure_onnx.backends.onnx_runtime import OnnxRuntimeSegmenter
from misure_onnx.errors import UnsupportedModel
from misure_onnx.graph.permuted_weights import permute_weights, weighted_layers
from misure_onnx.images import load_image
from tests.shared_data import real_models
from tests.tiny_models import bright_pixels, noise_image, small_network


def weights(model: onnx.ModelProto) -> dict[str, np.ndarray[tuple[int, ...], np.dtype[np.float32]]]:
    return {tensor.name: numpy_helper.to_array(tensor) for tensor in model.graph.initializer}


def permuted(path: Path, share: float, seed: int = 0) -> onnx.ModelProto:
    return permute_weights(onnx.load(path), "scores", share, np.random.default_rng(seed))


def test_the_last_layer_goes_first_and_every_tensor_keeps_its_numbers(tmp_path: Path) -> None:
    path = small_network(tmp_path / "net.onnx")
    before = weights(onnx.load(path))
    assert weighted_layers(onnx.load(path), "scores") == [["w1", "b1"], ["w2", "b2"]]
    for share, changed in ((0.1, {"w2", "b2"}), (0.5, {"w2", "b2"}), (0.51, set(before)), (1, set(before))):
        after = weights(permuted(path, share))
        assert {name for name in before if not np.array_equal(before[name], after[name])} == changed
        assert all(np.array_equal(np.sort(before[n].ravel()), np.sort(after[n].ravel())) for n in before)
    again, other = permuted(path, 1), permuted(path, 1, seed=1)
    assert again == permuted(path, 1)
    assert again != other


def test_a_model_without_weights_is_refused(tmp_path: Path) -> None:
    path = bright_pixels(tmp_path / "bright.onnx")
    with pytest.raises(UnsupportedModel, match="no layer of the model has weights"):
        permuted(path, 1)


def test_the_segmenter_s_file_stays_and_its_random_twin_is_gone_afterwards(tmp_path: Path) -> None:
    path = small_network(tmp_path / "net.onnx")
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    segmenter = load_segmenter(path, "imagenet")
    assert isinstance(segmenter, OnnxRuntimeSegmenter)
    image = np.random.default_rng(0).standard_normal((1, 3, *noise_image().shape[:2]), np.float32)
    with segmenter.randomised(1, 0) as twin:
        place = twin.path
        assert place.is_file()
        assert twin.spec.head == segmenter.spec.head
        assert twin.spec.classes == segmenter.spec.classes
        assert not np.allclose(twin.predict(image), segmenter.predict(image), atol=0.1)
    assert not place.exists()
    assert hashlib.sha256(path.read_bytes()).hexdigest() == digest


@pytest.mark.parametrize("triple", real_models())
def test_real_models_with_random_weights_have_the_same_kind_of_scores_and_another_prediction(triple: Triple) -> None:
    segmenter = load_segmenter(triple.model, triple.preprocessing)
    assert isinstance(segmenter, OnnxRuntimeSegmenter)
    image = segmenter.prepare(load_image(triple.image))
    head = segmenter.spec.head
    with segmenter.randomised(1, 0) as twin:
        assert (twin.spec.head, twin.spec.classes) == (head, segmenter.spec.classes)
        own, random = (head.labels(one.predict(image)) for one in (segmenter, twin))
    assert (own == random).mean() < 0.8
