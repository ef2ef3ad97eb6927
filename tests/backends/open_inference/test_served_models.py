"""A model behind a server that keeps to the protocol: what is found out, and the same answers as the file's."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from misure_onnx.backends.onnx_runtime import OnnxRuntimeSegmenter
from misure_onnx.errors import (
    PreprocessingError,
    ServerError,
    UnsupportedModel,
)
from misure_onnx.images import load_image
from misure_onnx.preprocessing import Preprocessing, load_preprocessing
from misure_onnx.types import AnyArray
from tests.backends.open_inference.asking import UNIT, asked, images_of
from tests.backends.open_inference.small_server import LENGTH, SmallServer, slowly
from tests.tiny_models import (
    CLASSES,
    SIZE,
    mixing,
    noise_image,
    pointwise,
    two_heads,
)


@pytest.mark.parametrize("protocol", ["binary", "json"])
@pytest.mark.parametrize("n", [1, 3, 19])
def test_scores_are_those_of_the_file_for_any_number_of_images(
    server: SmallServer, small_network: Path, protocol: str, n: int
) -> None:
    segmenter = asked(server, protocol=protocol)
    images = images_of(segmenter, n)
    expected = OnnxRuntimeSegmenter(small_network, preprocessing=UNIT, provider="cpu").predict(images)
    assert segmenter.predict(images) == pytest.approx(expected, abs=1e-6)


MODELS: dict[str, tuple[Callable[[Path], Path], dict[str, Any]]] = {
    "channels last": (lambda path: pointwise(path, input_layout="NHWC", output_layout="NHWC"), {}),
    "flattened": (lambda path: pointwise(path, output_layout="NPL"), {}),
    "smaller scores": (lambda path: pointwise(path, shrink=2), {}),
    "bytes": (lambda path: pointwise(path, input_type=2), {"scale": 1.0}),
    "half precision": (lambda path: pointwise(path, input_type=10), {}),
    "label map": (
        lambda path: pointwise(path, ending="argmax", output_layout="NHW"),
        {"class_names": [f"class {k}" for k in range(CLASSES)]},
    ),
    "softmax": (lambda path: pointwise(path, ending="softmax"), {}),
    "one sigmoid": (lambda path: pointwise(path, classes=1, ending="sigmoid"), {}),
    "fixed batch of one": (lambda path: pointwise(path, batch=1), {}),
    "fixed batch of three": (lambda path: pointwise(path, batch=3), {}),
    "any size": (lambda path: pointwise(path, size=("h", "w")), {}),
    "mixes its images": (lambda path: mixing(path, "mean"), {}),
}


@pytest.mark.parametrize("name", MODELS)
def test_layout_type_batch_and_meaning_are_found_as_in_the_file(tmp_path: Path, name: str) -> None:
    make, declared = MODELS[name]
    model, preprocessing = make(tmp_path / "m.onnx"), load_preprocessing({"scale": 1 / 255, **declared})
    local = OnnxRuntimeSegmenter(model, preprocessing=preprocessing, provider="cpu")
    with SmallServer(model).running() as server:
        remote = asked(server, preprocessing)
        assert (remote.spec.channels, remote.spec.classes, remote.spec.head, remote.spec.size) == (
            local.spec.channels,
            local.spec.classes,
            local.spec.head,
            local.spec.size,
        )
        image = load_image(noise_image((31, 45)))
        assert np.array_equal(remote.prepare(image), local.prepare(image))
        images = np.concatenate([local.prepare(load_image(noise_image((31, 45), seed))) for seed in range(5)])
        assert remote.predict(images) == pytest.approx(local.predict(images), abs=1e-5)


def test_a_head_is_declared_by_name_and_nothing_else_is_asked_for(tmp_path: Path) -> None:
    with SmallServer(two_heads(tmp_path / "m.onnx")).running() as server:
        segmenter = asked(server, load_preprocessing({"scale": 1 / 255, "head": "auxiliary"}))
        segmenter.predict(images_of(segmenter, 1))
        assert server.inferences[-1].document["outputs"][0]["name"] == "auxiliary"
        assert any("several heads" in note for note in asked(server).identity.notes)


def test_every_request_has_an_id_of_its_own(server: SmallServer) -> None:
    asked(server).predict(images_of(asked(server), 2))
    ids = [request.document["id"] for request in server.inferences]
    assert len(set(ids)) == len(ids) > 3


# Which encoding


def test_binary_tensors_are_sent_where_they_are_announced(server: SmallServer) -> None:
    segmenter = asked(server)
    assert segmenter.identity.server is not None
    assert segmenter.identity.server.protocol == "REST binary"
    assert all(LENGTH.lower() in request.headers for request in server.inferences)


@pytest.mark.parametrize(
    "about", [{"name": "kserve", "extensions": []}, {"name": "unheard of"}, None, {"extensions": 3}]
)
def test_binary_tensors_are_tried_where_nothing_is_announced(server: SmallServer, about: dict[str, Any] | None) -> None:
    server.about = about
    assert asked(server).identity.server.protocol == "REST binary"  # type: ignore[union-attr]


@pytest.mark.parametrize("ends", [False, True])
def test_json_is_spoken_where_they_are_refused_and_a_note_says_so(server: SmallServer, ends: bool) -> None:  # noqa: FBT001
    server.about, server.takes_binary = {"name": "unheard of"}, False
    if ends:  # as MLServer does: the connection is closed in the middle of the answer
        server.instead = lambda one: (500, {"Content-Length": "99"}, b"{") if LENGTH.lower() in one.headers else None
    segmenter = asked(server)
    assert segmenter.identity.server.protocol == "REST JSON"  # type: ignore[union-attr]
    assert any("takes no binary tensors" in note for note in segmenter.identity.notes)
    assert segmenter.predict(images_of(segmenter, 2)).shape == (2, 4, *SIZE)


def test_what_was_asked_for_is_not_replaced(server: SmallServer) -> None:
    server.takes_binary = False
    with pytest.raises(ServerError, match="no binary tensors here"):
        asked(server, protocol="binary")


def test_a_binary_question_may_be_answered_in_json(server: SmallServer, small_network: Path) -> None:
    server.answers_binary = False
    segmenter = asked(server)
    images = images_of(segmenter, 2)
    expected = OnnxRuntimeSegmenter(small_network, preprocessing=UNIT, provider="cpu").predict(images)
    assert segmenter.predict(images) == pytest.approx(expected, abs=1e-6)


# How many at once


def batch_sizes(server: SmallServer) -> list[int]:
    return [request.document["inputs"][0]["shape"][0] for request in server.inferences]


def test_batches_are_as_large_as_the_configuration_allows(server: SmallServer) -> None:
    server.max_batch = 4
    segmenter = asked(server)
    segmenter.predict(images_of(segmenter, 10))
    assert segmenter.spec.batch_size == max(batch_sizes(server)) == 4
    assert "configuration allows 4" in segmenter.found.batches.reason


def test_batches_are_halved_while_the_server_refuses_them(server: SmallServer) -> None:
    server.most = 3
    segmenter = asked(server)
    assert segmenter.spec.batch_size == 2
    segmenter.predict(images_of(segmenter, 5))
    assert sorted(batch_sizes(server)[-3:]) == [1, 2, 2]


def test_images_that_a_server_mixes_up_are_sent_alone(tmp_path: Path) -> None:
    with SmallServer(mixing(tmp_path / "m.onnx", "mean")).running() as server:
        assert asked(server).spec.batch_size == 1


def test_a_request_holds_no_more_bytes_than_are_allowed(server: SmallServer) -> None:
    image = 3 * 4 * SIZE[0] * SIZE[1]
    scores = 4 * 4 * SIZE[0] * SIZE[1]
    segmenter = asked(server, request_bytes=3 * scores)
    segmenter.predict(images_of(segmenter, 10))
    assert max(batch_sizes(server)) == segmenter.spec.batch_size == 3
    assert asked(server, request_bytes=image).spec.batch_size == 1  # one is sent whatever its size


def test_single_images_are_asked_about_side_by_side_and_no_more_than_allowed(tmp_path: Path) -> None:
    with SmallServer(pointwise(tmp_path / "m.onnx", batch=1)).running() as server:
        segmenter = asked(server, concurrency=3)
        server.instead, server.together = slowly(0.05), 0
        segmenter.predict(images_of(segmenter, 12))
        assert server.together == 3
        server.together = 0
        results = segmenter.concurrently(lambda predict, k: predict(images_of(segmenter, 2)) is None or k, range(6))
        assert list(results) == list(range(6))
        assert server.together == 3


def test_larger_images_go_fewer_to_a_request(tmp_path: Path) -> None:
    with SmallServer(pointwise(tmp_path / "m.onnx", size=("h", "w"))).running() as server:
        tried = 256 * 256  # pixels of the image that a model of any size is tried with
        segmenter = asked(server, request_bytes=4 * CLASSES * tried * 6)
        assert segmenter.spec.batch_size == 6
        server.seen.clear()
        segmenter.predict(np.zeros((6, 3, 512, 256), np.float32))
        assert batch_sizes(server) == [3, 3]


# Who is believed


def test_what_the_user_declares_is_believed_before_the_server(server: SmallServer) -> None:
    server.metadata = {"inputs": [{"name": "photo", "datatype": "UINT8", "shape": [-1, 3, 7, 7]}]}
    with pytest.raises(ServerError, match="declare it: --server-input NAME:DATATYPE:SHAPE"):
        asked(server, Preprocessing())
    segmenter = asked(server, input="image:FP32:-1,3,20,24")
    assert segmenter.spec.size == SIZE


@pytest.mark.parametrize(
    "metadata",
    [
        None,
        {"inputs": []},
        {"inputs": [{"name": "image"}]},
        {"inputs": "image"},
        {"inputs": [{"name": "image", "datatype": "FP32", "shape": [float("inf")]}]},
    ],
)
def test_a_server_that_says_nothing_needs_a_declaration(server: SmallServer, metadata: dict[str, Any] | None) -> None:
    server.metadata = metadata
    with pytest.raises(ServerError, match="declare the input"):
        asked(server)
    assert asked(server, input="image:FP32:-1,3,20,24").spec.classes == 4


def test_free_axes_that_do_not_tell_the_layout_are_asked_for(server: SmallServer) -> None:
    server.metadata = {"inputs": [{"name": "image", "datatype": "FP32", "shape": [-1, -1, -1, -1]}]}
    with pytest.raises(PreprocessingError, match="declare 'layout: NCHW' or 'layout: NHWC'"):
        asked(server)
    assert asked(server, load_preprocessing({"layout": "NCHW", "size": list(SIZE)})).spec.channels == 3


def test_kinds_told_from_values_are_noted_and_declared_ones_are_not(server: SmallServer) -> None:
    assert any("logits, was told from its values" in note for note in asked(server).identity.notes)
    assert asked(server, load_preprocessing({"scale": 1 / 255, "output": "logits"})).identity.notes == ()


def test_a_classifier_is_refused(server: SmallServer) -> None:
    server.change = lambda outputs, _: {"scores": outputs["scores"].mean(axis=(2, 3))}
    with pytest.raises(UnsupportedModel, match="no output is a segmentation"):
        asked(server)


def test_a_server_that_answers_differently_each_time_is_noted(server: SmallServer) -> None:
    draws = np.random.default_rng(0)

    def noisy(outputs: dict[str, AnyArray], _: AnyArray) -> dict[str, AnyArray]:
        return {
            name: (array + draws.normal(0, 1e-4, array.shape)).astype(np.float32) for name, array in outputs.items()
        }

    server.change = noisy
    assert any("answers the same picture differently" in note for note in asked(server).identity.notes)
