"""gRPC: the same answers, the same patience, the same refusals."""

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import grpc
import numpy as np
import pytest

from misure_onnx.backends.onnx_runtime import OnnxRuntimeSegmenter
from misure_onnx.backends.open_inference import OpenInferenceSegmenter, RemoteOptions
from misure_onnx.errors import InputError, ParameterError, ServerError
from misure_onnx.preprocessing import Preprocessing
from tests.backends.open_inference.small_grpc_server import SmallGrpcServer
from tests.tiny_models import SIZE, pointwise

UNIT = Preprocessing(scale=1 / 255)
IMAGES = np.random.default_rng(0).random((11, 3, *SIZE), np.float32)


@pytest.fixture
def server(small_network: Path) -> Iterator[SmallGrpcServer]:
    with SmallGrpcServer(small_network).running() as running:
        yield running


def asked(server: SmallGrpcServer, **options: Any) -> OpenInferenceSegmenter:
    return OpenInferenceSegmenter(server.address, preprocessing=UNIT, options=RemoteOptions(**options))


@pytest.mark.parametrize("raw", [True, False])
def test_scores_are_those_of_the_file(server: SmallGrpcServer, small_network: Path, raw: bool) -> None:  # noqa: FBT001
    server.raw = raw
    segmenter = asked(server)
    expected = OnnxRuntimeSegmenter(small_network, preprocessing=UNIT, provider="cpu").predict(IMAGES)
    assert segmenter.predict(IMAGES) == pytest.approx(expected, abs=1e-6)
    assert segmenter.identity.server is not None
    assert segmenter.identity.server.protocol == "gRPC"


@pytest.mark.parametrize("output_type", [1, 11, 10, 2, 3, 6, 7])
def test_label_maps_of_every_type_arrive_raw_or_not(tmp_path: Path, output_type: int) -> None:
    model = pointwise(tmp_path / "m.onnx", ending="argmax", output_layout="NHW", output_type=output_type)
    declared = Preprocessing(scale=1 / 255, class_names=("a", "b", "c", "d", "e"), output="labels")
    expected = OnnxRuntimeSegmenter(model, preprocessing=declared, provider="cpu").predict(IMAGES)
    for raw in (True, False) if output_type != 10 else (True,):  # the protocol has no contents of FP16
        with SmallGrpcServer(model, raw=raw).running() as server:
            segmenter = OpenInferenceSegmenter(server.address, preprocessing=declared)
            assert np.array_equal(segmenter.predict(IMAGES), expected)


def test_the_configuration_s_batch_is_kept_and_every_request_has_an_id(server: SmallGrpcServer) -> None:
    server.max_batch = 3
    segmenter = asked(server)
    segmenter.predict(IMAGES)
    requests = [request for method, request, _ in server.seen if method == "ModelInfer"]
    assert max(request.inputs[0].shape[0] for request in requests) == segmenter.spec.batch_size == 3
    assert len({request.id for request in requests}) == len(requests)


def test_a_message_too_large_for_the_server_is_halved(small_network: Path) -> None:
    image = 3 * 4 * SIZE[0] * SIZE[1]
    with SmallGrpcServer(small_network, options=[("grpc.max_receive_message_length", 3 * image)]).running() as server:
        assert asked(server).spec.batch_size == 2


def test_what_is_counted_is_what_was_exchanged(server: SmallGrpcServer) -> None:
    segmenter = asked(server)
    before = segmenter.traffic
    server.seen.clear()
    segmenter.predict(IMAGES[:1])
    ((_, request, _),) = server.seen
    exchanged = segmenter.traffic.since(before)
    assert (exchanged.requests, exchanged.bytes_sent) == (1, request.ByteSize())
    assert exchanged.bytes_received > 4 * 4 * SIZE[0] * SIZE[1]


def test_headers_go_with_every_call(server: SmallGrpcServer) -> None:
    asked(server, headers={"Authorization": "Bearer x"})
    assert all(headers["authorization"] == "Bearer x" for _, _, headers in server.seen)


def refusing(code: grpc.StatusCode, times: int, pushback: str | None = None) -> Any:
    left = [None] * times

    def refuse(method: str, context: grpc.ServicerContext) -> None:
        if method == "ModelInfer" and left:
            left.pop()
            if pushback is not None:
                context.set_trailing_metadata((("grpc-retry-pushback-ms", pushback),))
            context.abort(code, "not like this")

    return refuse


@pytest.mark.parametrize("code", [grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.RESOURCE_EXHAUSTED])
def test_a_busy_server_is_asked_again_when_it_says(server: SmallGrpcServer, code: grpc.StatusCode) -> None:
    segmenter = asked(server)
    server.instead = refusing(code, 2, "10")
    segmenter.predict(IMAGES[:1])
    assert segmenter.traffic.repeated == 2


@pytest.mark.parametrize("code", [grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.INTERNAL, grpc.StatusCode.ABORTED])
def test_without_a_time_nothing_is_repeated(server: SmallGrpcServer, code: grpc.StatusCode) -> None:
    segmenter = asked(server)
    server.instead, calls = refusing(code, 1), len(server.seen)
    with pytest.raises(ServerError, match=f"status {code.name}: not like this"):
        segmenter.predict(IMAGES[:1])
    assert len(server.seen) == calls + 1


def test_refused_credentials_are_said_to_be_refused(server: SmallGrpcServer) -> None:
    server.instead = lambda _, context: context.abort(grpc.StatusCode.UNAUTHENTICATED, "who are you?")
    with pytest.raises(ServerError, match=r"refused the credentials .*who are you.*--header-from"):
        asked(server)


def test_a_slow_answer_is_given_up(server: SmallGrpcServer) -> None:
    segmenter = asked(server, timeout=1.0)
    server.instead = lambda method, _: time.sleep(2.5) if method == "ModelInfer" else None
    with pytest.raises(ServerError, match="did not answer within 1 s: --timeout"):
        segmenter.predict(IMAGES[:1])


def without_contents(response: Any) -> Any:
    del response.raw_output_contents[:]
    return response


def short(response: Any) -> Any:
    response.raw_output_contents[0] = response.raw_output_contents[0][:-4]
    return response


def too_many(response: Any) -> Any:
    response.raw_output_contents.append(b"more")
    return response


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (without_contents, "has 0 values; its shape .* needs 1,920"),
        (short, "has 7,676 bytes; its shape .* needs 7,680"),
        (too_many, "answers with 1 outputs and 2 contents"),
        (lambda response: type(response)(), "answers with 0 outputs"),
    ],
)
def test_an_answer_that_is_none_is_refused(server: SmallGrpcServer, change: Any, words: str) -> None:
    segmenter = asked(server)
    server.change = change
    with pytest.raises(ServerError, match=words):
        segmenter.predict(IMAGES[:1])


def test_where_nothing_listens_it_is_said() -> None:
    with pytest.raises(ServerError, match=r"nothing listens at 127\.0\.0\.1:1"):
        OpenInferenceSegmenter("grpc://127.0.0.1:1/seg", options=RemoteOptions(retries=0))


def test_a_host_that_is_not_listed_gets_no_call(server: SmallGrpcServer) -> None:
    with pytest.raises(InputError, match="is not allowed"):
        asked(server, allowed_hosts=())
    assert server.seen == []


def test_an_encoding_is_of_http_alone(server: SmallGrpcServer) -> None:
    with pytest.raises(ParameterError, match="protocol json was asked for; it is one of http:// addresses"):
        asked(server, protocol="json")
