"""What every backend of the registry must do; ONNX Runtime also against ONNX's own reference implementation."""

import warnings
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto
from onnx.reference import ReferenceEvaluator

from misure_onnx.backends import BACKENDS
from misure_onnx.backends.onnx_runtime import OnnxRuntimeSegmenter
from misure_onnx.backends.open_inference import OpenInferenceSegmenter
from misure_onnx.backends.openvino import OpenVinoSegmenter
from misure_onnx.backends.python_function import PythonFunctionSegmenter
from misure_onnx.images import load_image
from misure_onnx.preprocessing import Preprocessing
from misure_onnx.segmenter import CountingSegmenter, Segmenter
from misure_onnx.types import Images, Scores
from tests.backends.open_inference.small_server import SmallServer
from tests.tiny_models import (
    SIZE,
    bright_pixels,
    disc_image,
    key_region,
    noise_image,
    pointwise,
    small_network,
    two_heads,
    uniform,
)

N = 3


def reference(model: Path, output: str) -> Callable[[Images], Scores]:
    """The graph by ONNX's reference implementation, images in its own layout and type."""
    evaluator = ReferenceEvaluator(onnx.load(model))

    def predict(images: Images) -> Scores:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            (scores,) = evaluator.run([output], {"image": images})
        return np.asarray(scores)

    return predict


def a_key_region(path: Path) -> Path:
    return key_region(path, object_region=disc_image() > 0, key=disc_image(radius=3) > 0)


TINY_MODELS: dict[str, Callable[[Path], Path]] = {
    "bright_pixels": bright_pixels,
    "key_region": a_key_region,
    "uniform": uniform,
    "small_network": small_network,
    "two_heads": two_heads,
    "pointwise": pointwise,
    "channels last": lambda path: pointwise(path, input_layout="NHWC", output_layout="NHWC"),
    "flattened": lambda path: pointwise(path, output_layout="NPL"),
    "softmax": lambda path: pointwise(path, ending="softmax"),
    "softmax by hand": lambda path: pointwise(path, ending="softmax_by_hand"),
    "hard sigmoid": lambda path: pointwise(path, classes=1, ending="hard_sigmoid"),
    "argmax": lambda path: pointwise(path, ending="argmax"),
    "half precision": lambda path: pointwise(path, input_type=TensorProto.FLOAT16),
    "double precision": lambda path: pointwise(path, input_type=TensorProto.DOUBLE),
}


@pytest.mark.parametrize("name", TINY_MODELS)
def test_onnx_runtime_gives_what_the_reference_implementation_gives(tmp_path: Path, name: str) -> None:
    model = TINY_MODELS[name](tmp_path / "m.onnx")
    segmenter = OnnxRuntimeSegmenter(model, preprocessing=Preprocessing(scale=1 / 255), provider="cpu")
    images = np.random.default_rng(0).random((N, segmenter.spec.channels, *SIZE), np.float32)
    own = images.transpose(0, 2, 3, 1) if segmenter.input.layout == "NHWC" else images
    expected = reference(model, segmenter.output.name)(own.astype(segmenter.input.dtype))
    scores = segmenter.predict(images)
    if segmenter.spec.head.kind == "labels":
        assert np.array_equal(scores.argmax(axis=1), expected.reshape(N, *SIZE))
        return
    if segmenter.output.layout in ("NHWC", "NPL"):
        expected = expected.reshape(N, *SIZE, -1).transpose(0, 3, 1, 2)
    assert scores == pytest.approx(expected, abs=1e-4)


# Every backend, each made from the same tiny network


def by_onnx_runtime(model: Path) -> Segmenter:
    return OnnxRuntimeSegmenter(model, preprocessing=Preprocessing(scale=1 / 255), provider="cpu")


def by_openvino(model: Path) -> Segmenter:
    pytest.importorskip("openvino", reason="extra openvino is not installed")
    return OpenVinoSegmenter(model, preprocessing=Preprocessing(scale=1 / 255), provider="openvino")


def by_python_function(model: Path) -> Segmenter:
    declared = Preprocessing(scale=1 / 255, size=SIZE, output="logits")
    return PythonFunctionSegmenter(reference(model, "scores"), preprocessing=declared)


_servers = ExitStack()


@pytest.fixture(autouse=True)
def servers_end_with_the_test() -> Iterator[None]:
    yield
    _servers.close()


def by_open_inference(model: Path) -> Segmenter:
    server = _servers.enter_context(SmallServer(model).running())
    return OpenInferenceSegmenter(server.address, preprocessing=Preprocessing(scale=1 / 255))


MAKERS = {
    "onnx_runtime": by_onnx_runtime,
    "open_inference": by_open_inference,
    "openvino": by_openvino,
    "python_function": by_python_function,
}

every_backend = pytest.mark.parametrize("name", BACKENDS)


def random_images(n: int) -> Images:
    return np.random.default_rng(n).random((n, 3, *SIZE), np.float32)


def test_every_backend_of_the_registry_is_tested() -> None:
    assert set(MAKERS) == set(BACKENDS)


@every_backend
def test_the_registry_names_the_class(small_network: Path, name: str) -> None:
    assert type(MAKERS[name](small_network)) is BACKENDS[name]


@every_backend
@pytest.mark.parametrize("n", [1, 2, 5])
def test_every_image_gets_float32_scores_at_its_own_size(small_network: Path, name: str, n: int) -> None:
    segmenter = MAKERS[name](small_network)
    scores = segmenter.predict(random_images(n))
    assert scores.shape == (n, segmenter.spec.classes, *SIZE)
    assert scores.dtype == np.float32


@every_backend
def test_scores_do_not_depend_on_the_batch_and_repeat(small_network: Path, name: str) -> None:
    segmenter = MAKERS[name](small_network)
    images = random_images(5)
    together = segmenter.predict(images)
    assert np.array_equal(segmenter.predict(images), together)
    for k in range(5):
        assert segmenter.predict(images[k : k + 1])[0] == pytest.approx(together[k], abs=1e-5)
    assert np.array_equal(images, random_images(5))


@every_backend
def test_a_picture_becomes_one_network_input(small_network: Path, name: str) -> None:
    segmenter = MAKERS[name](small_network)
    images = segmenter.prepare(load_image(noise_image((31, 45))))
    assert images.shape == (1, segmenter.spec.channels, *SIZE)
    assert images.dtype == np.float32
    assert images.min() >= 0
    assert images.max() <= 1


@every_backend
def test_the_specification_holds(small_network: Path, name: str) -> None:
    spec = MAKERS[name](small_network).spec
    assert (spec.channels, spec.classes, spec.size, spec.head.kind) == (3, 4, SIZE, "logits")
    assert spec.batch_size >= 1
    assert (spec.background, spec.class_name(2)) == (None, None)


@every_backend
def test_all_backends_agree(small_network: Path, name: str) -> None:
    first = by_onnx_runtime(small_network).predict(random_images(2))
    assert MAKERS[name](small_network).predict(random_images(2)) == pytest.approx(first, abs=1e-4)


@every_backend
def test_counting_adds_nothing_but_the_count(small_network: Path, name: str) -> None:
    segmenter = MAKERS[name](small_network)
    counting = CountingSegmenter(segmenter)
    assert (counting.spec, counting.identity) == (segmenter.spec, segmenter.identity)
    assert np.array_equal(counting.predict(random_images(3)), segmenter.predict(random_images(3)))
    counting.predict(random_images(1))
    assert counting.forwards == 4
    image = load_image(noise_image())
    assert np.array_equal(counting.prepare(image), segmenter.prepare(image))
