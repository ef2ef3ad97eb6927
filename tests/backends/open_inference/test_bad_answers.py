"""Answers that are none, or of something else: refused in a sentence that says what was expected and what came."""

import json
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from misure_onnx.backends.open_inference import OpenInferenceSegmenter
from misure_onnx.backends.open_inference.http_connection import Response
from misure_onnx.backends.open_inference.rest import _answer
from misure_onnx.errors import (
    MisureError,
    ModelOutputError,
    ServerError,
)
from misure_onnx.preprocessing import Preprocessing
from misure_onnx.types import AnyArray, Images
from tests.backends.open_inference.asking import IMAGES, loaded
from tests.backends.open_inference.small_server import LENGTH, Asked, Reply, SmallServer, numbers
from tests.tiny_models import (
    SIZE,
)


def good(server: SmallServer, one: Asked) -> Reply:
    return server._usual(one)


def cut_off(server: SmallServer, one: Asked) -> Reply:
    status, headers, body = good(server, one)
    return status, {**headers, "Content-Length": str(len(body) + 100)}, body


def without_its_end(server: SmallServer, one: Asked) -> Reply:
    status, headers, body = good(server, one)
    return status, headers, body[:-8]


def with_a_wrong_length(server: SmallServer, one: Asked) -> Reply:
    status, headers, body = good(server, one)
    return status, {**headers, LENGTH: "99999999"}, body


def edited(**changes: Any) -> Callable[[SmallServer, Asked], Reply]:
    """The first output's description is another one."""

    def reply(server: SmallServer, one: Asked) -> Reply:
        status, headers, body = good(server, one)
        length = int(headers[LENGTH])
        document = json.loads(body[:length])
        document["outputs"][0] = {**document["outputs"][0], **changes}
        header = json.dumps({k: v for k, v in document.items() if v is not None}).encode()
        return status, {LENGTH: str(len(header))}, header + body[length:]

    return reply


def text(body: bytes) -> Callable[[SmallServer, Asked], Reply]:
    return lambda _, __: (200, {}, body)


LISTED = b'{"model_version": "1", "outputs": [{"name": "scores", "datatype": "FP32", "shape": [9], "data": %s}]}'
BAD: dict[str, tuple[Callable[[SmallServer, Asked], Reply], str]] = {
    "cut off": (cut_off, "broke off before it had answered"),
    "without its end": (without_its_end, r"has 7,672 bytes; its shape \[1, 4, 20, 24\] of FP32 needs 7,680"),
    "a wrong length": (with_a_wrong_length, "answer is cut off"),
    "no JSON": (text(b"<html>hello\x1b[31m</html>"), r"does not answer in JSON: <html>hello \[31m</html>"),
    "a list": (text(b"[1, 2]"), "expected a JSON object"),
    "deep JSON": (text(b"[" * 100_000), "does not answer in JSON"),
    "no outputs": (text(b'{"outputs": []}'), "holds no outputs"),
    "an output without a shape": (text(b'{"outputs": [{"name": "a", "datatype": "FP32"}]}'), "not of the protocol"),
    "an unknown type": (edited(datatype="FP4"), "is 'FP4'; expected one of BOOL"),
    "another shape": (edited(shape=[1, 4, 20, 25]), "needs 8,000"),
    "a negative shape": (edited(shape=[-1, 4, 20, 24]), "needs"),
    "another name": (edited(name="other"), "left out output 'scores'; it gave other"),
    "another rank": (edited(shape=[1, 4, 480]), "expected 4 axes"),
    "another number of images": (edited(shape=[2, 2, 20, 24]), "expected 4 axes, the first one of 1"),
    "other classes": (edited(shape=[1, 2, 40, 24]), "has 2 classes, at first it had 4"),
    "values of text": (text(LISTED % b'["a"]'), "is no array of FP32"),
    "too few values": (text(LISTED % b"[1]"), "has 1 values; its shape .* needs 9"),
}  # fmt: skip


@pytest.mark.parametrize("name", BAD)
def test_an_answer_that_is_none_is_refused_in_a_sentence(server: SmallServer, name: str) -> None:
    reply, words = BAD[name]
    segmenter = loaded(server)
    server.instead = lambda one: reply(server, one) if one.path.endswith("/infer") else None
    with pytest.raises(ServerError, match=words) as refusal:
        segmenter.predict(IMAGES)
    assert len(str(refusal.value)) < 800
    assert str(refusal.value).isprintable()


@pytest.mark.parametrize("shape", [[-1, 3, 20_000, 20_000], [-1, 100_000, 500, 500], [400_000_000, 3, 20, 24]])
def test_sizes_that_would_fill_the_memory_are_not_believed(server: SmallServer, shape: list[int]) -> None:
    server.metadata = {"inputs": [{"name": "image", "datatype": "FP32", "shape": shape}]}
    with pytest.raises(MisureError, match=r"at most .* are (taken|accepted)"):
        OpenInferenceSegmenter(server.address, preprocessing=Preprocessing(layout="NCHW"))
    assert server.inferences == []


def test_a_label_of_billions_is_not_made_one_hot(server: SmallServer) -> None:
    def labels(_: dict[str, AnyArray], images: AnyArray) -> dict[str, AnyArray]:
        return {"scores": np.full((len(images), *SIZE), 2_000_000_000, np.int32)}

    server.change = labels
    with pytest.raises(ServerError, match="'class_names' of a label map"):
        OpenInferenceSegmenter(server.address, preprocessing=Preprocessing())


def test_a_model_that_changes_its_version_is_noticed(server: SmallServer) -> None:
    segmenter = loaded(server)
    server.version = "2"
    with pytest.raises(ServerError, match="version 2 of the model answers, at first it was version 1"):
        segmenter.predict(IMAGES)


def test_scores_that_are_no_numbers_are_refused_where_they_are_read(server: SmallServer) -> None:
    segmenter = loaded(server)
    server.change = lambda outputs, _: {name: array * np.float32(np.nan) for name, array in outputs.items()}
    with pytest.raises(ModelOutputError, match="NaN"):
        segmenter.spec.head.labels(segmenter.predict(IMAGES))


def test_more_images_than_fit_are_halved_later_too(server: SmallServer) -> None:
    segmenter = loaded(server)
    server.most = 2
    images: Images = np.repeat(IMAGES, 8, axis=0)
    assert segmenter.predict(images) == pytest.approx(np.repeat(segmenter.predict(IMAGES), 8, axis=0), abs=1e-5)


def test_an_output_that_grows_is_brought_to_the_image_s_size(server: SmallServer) -> None:
    def doubled(outputs: dict[str, AnyArray], _: AnyArray) -> dict[str, AnyArray]:
        return {name: array.repeat(2, axis=2).repeat(2, axis=3) for name, array in outputs.items()}

    segmenter = loaded(server)
    server.change = doubled
    assert segmenter.predict(IMAGES).shape == (1, 4, *SIZE)


def test_outputs_of_text_beside_the_scores_are_passed_over(server: SmallServer) -> None:
    def with_text() -> Reply:
        scores = numbers((1, 4, *SIZE))
        note = b"\x05\x00\x00\x00hello"
        outputs = [
            {"name": "note", "datatype": "BYTES", "shape": [1], "parameters": {"binary_data_size": len(note)}},
            {
                "name": "scores",
                "datatype": "FP32",
                "shape": [1, 4, *SIZE],
                "parameters": {"binary_data_size": scores.nbytes},
            },
        ]
        header = json.dumps({"model_version": server.version, "outputs": outputs}).encode()
        return 200, {LENGTH: str(len(header))}, header + note + scores.tobytes()

    segmenter = loaded(server)
    server.instead = lambda one: with_text() if one.path.endswith("/infer") else None
    assert np.array_equal(segmenter.predict(IMAGES), numbers((1, 4, *SIZE)))


@pytest.mark.parametrize("binary", [True, False])
def test_no_damage_to_an_answer_ends_in_anything_but_an_answer_or_a_refusal(
    server: SmallServer,
    binary: bool,  # noqa: FBT001
) -> None:
    server.answers_binary = binary
    loaded(server).predict(IMAGES)
    _, headers, body = good(server, server.inferences[-1])
    known = {name.lower(): value for name, value in headers.items()}
    rng, refusals = np.random.default_rng(0), list[str]()
    marks = b'"{}[],:0123456789eE-.tfn\\ \x00\xff'
    for _ in range(400):
        damaged = bytearray(body)
        for place in rng.integers(0, 300, rng.integers(1, 6)):  # the JSON's beginning, where everything is said
            damaged[place] = marks[rng.integers(len(marks))]
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # numbers that overflow their type
            try:
                _answer(Response(200, known, bytes(damaged)))
            except ServerError as refusal:
                refusals.append(str(refusal))
    assert 0 < len(refusals) < 400
    assert all(map(str.isprintable, refusals))
