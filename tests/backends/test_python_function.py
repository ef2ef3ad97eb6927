"""A Python function as a segmenter."""

from typing import Any

import cv2
import numpy as np
import pytest

from misure_onnx.backends.python_function import PythonFunctionSegmenter
from misure_onnx.errors import ModelError, PreprocessingError
from misure_onnx.images import load_image
from misure_onnx.preprocessing import load_preprocessing
from misure_onnx.segmenter import Identity
from misure_onnx.types import Images, Scores
from tests.tiny_models import noise_image

SIZE = (6, 8)
DECLARED: dict[str, Any] = {"scale": 1 / 255, "size": list(SIZE), "output": "logits"}


def red_or_not(images: Images) -> Scores:
    return np.concatenate([1 - images[:, :1], images[:, :1]], axis=1)


def segmenter(function: Any = red_or_not, **declared: Any) -> PythonFunctionSegmenter:
    return PythonFunctionSegmenter(function, preprocessing=load_preprocessing({**DECLARED, **declared}))


def random_images(n: int = 3, channels: int = 3) -> Images:
    return np.random.default_rng(0).random((n, channels, *SIZE), np.float32)


def test_the_scores_are_the_function_s() -> None:
    scores = segmenter().predict(random_images())
    assert np.array_equal(scores, red_or_not(random_images()))


def test_the_specification_follows_from_the_declaration_and_one_call() -> None:
    spec = segmenter(class_names=["sky", "fire"], output="sigmoid", threshold=0.3).spec
    assert (spec.channels, spec.classes, spec.size, spec.batch_size) == (3, 2, SIZE, 1)
    assert (spec.head.kind, spec.head.threshold) == ("sigmoid", 0.3)
    assert spec.class_names == ("sky", "fire")


@pytest.mark.parametrize(
    ("declared", "channels"), [({}, 3), ({"color": "GRAY"}, 1), ({"mean": [0.0] * 5}, 5), ({"color": "BGR"}, 3)]
)
def test_channels_follow_from_colour_or_mean(declared: dict[str, Any], channels: int) -> None:
    seen: list[tuple[int, ...]] = []

    def remembering(images: Images) -> Scores:
        seen.append(images.shape)
        return red_or_not(images)

    assert segmenter(remembering, **declared).spec.channels == channels
    assert seen == [(1, channels, *SIZE)]


def test_a_picture_is_resized_and_normalised() -> None:
    picture = noise_image((12, 16))
    expected = cv2.resize(picture.astype(np.float32), SIZE[::-1]).transpose(2, 0, 1)[None] / 255
    assert segmenter().prepare(load_image(picture)) == pytest.approx(expected, abs=1e-5)


def test_smaller_scores_are_brought_to_the_input_s_size() -> None:
    def coarse(images: Images) -> Scores:
        return red_or_not(images)[:, :, ::2, ::2]

    scores = segmenter(coarse).predict(random_images(1))
    expected = cv2.resize(random_images(1)[0, 0, ::2, ::2], SIZE[::-1])
    assert scores.shape == (1, 2, *SIZE)
    assert scores[0, 1] == pytest.approx(expected, abs=1e-6)


def test_scores_of_another_precision_are_converted() -> None:
    scores = segmenter(lambda images: red_or_not(images).astype(np.float64)).predict(random_images())
    assert scores.dtype == np.float32


def test_a_function_has_no_file_and_no_provider() -> None:
    assert segmenter().identity == Identity(None, None, (), ())


@pytest.mark.parametrize("missing", [{"size": None}, {"output": None}, {"output": "labels"}])
def test_what_a_function_cannot_say_itself_must_be_declared(missing: dict[str, None]) -> None:
    with pytest.raises(PreprocessingError, match=r"declare 'size' \[height, width\] and 'output'"):
        segmenter(**missing)


@pytest.mark.parametrize(
    ("declared", "message"),
    [
        ({"class_names": ["a", "b", "c"]}, "3 class names are declared, the model gives 2 classes"),
        ({"color": "GRAY", "mean": [1, 2]}, "mean has 2 values, the model takes 1 channels"),
    ],
)
def test_a_declaration_that_contradicts_the_function_is_refused(declared: dict[str, Any], message: str) -> None:
    with pytest.raises(PreprocessingError, match=message):
        segmenter(**declared).prepare(load_image(noise_image()))


def test_one_channel_of_exclusive_scores_is_refused() -> None:
    with pytest.raises(PreprocessingError, match="output softmax needs two classes or more"):
        segmenter(lambda images: images[:, :1], output="softmax")


@pytest.mark.parametrize(
    ("function", "shape"),
    [
        (lambda images: images[0], r"\(3, 6, 8\)"),
        (lambda images: images[:, 0], r"\(1, 6, 8\)"),
        (lambda images: np.repeat(images, 2, axis=0), r"\(2, 3, 6, 8\)"),
        (lambda _: 1.0, r"\(\)"),
    ],
)
def test_anything_but_one_score_map_an_image_is_refused(function: Any, shape: str) -> None:
    with pytest.raises(ModelError, match=rf"must return scores \(N, L, H, W\) for 1 images, got shape {shape}"):
        segmenter(function)


def test_a_function_that_drops_images_later_is_refused() -> None:
    found = segmenter(lambda images: red_or_not(images)[:1])
    with pytest.raises(ModelError, match="for 3 images"):
        found.predict(random_images())
