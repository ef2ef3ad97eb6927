"""Servers that are busy, lie, break off or send one elsewhere: one sentence, no second question unless it is safe."""

import json
import socket
import time
from collections.abc import Callable
from email.utils import formatdate
from typing import Any

import numpy as np
import pytest

from misure_onnx.backends.open_inference import OpenInferenceSegmenter, RemoteOptions, http_connection
from misure_onnx.errors import InputError, MisureError, ModelOutputError, ServerError
from misure_onnx.preprocessing import Preprocessing
from misure_onnx.types import AnyArray, Images
from tests.backends.open_inference.small_server import LENGTH, Asked, Reply, SmallServer, for_a_while, numbers, slowly
from tests.tiny_models import SIZE

IMAGES = np.random.default_rng(0).random((1, 3, *SIZE), np.float32)
Busy = tuple[int, dict[str, str], bytes]


def asked(server: SmallServer, **options: Any) -> OpenInferenceSegmenter:
    declared = Preprocessing(scale=1 / 255, output="logits")
    return OpenInferenceSegmenter(server.address, preprocessing=declared, options=RemoteOptions(**options))


def loaded(server: SmallServer, **options: Any) -> OpenInferenceSegmenter:
    """Loaded from a good server, whose requests are forgotten."""
    segmenter = asked(server, **options)
    server.seen.clear()
    return segmenter


# Later


@pytest.mark.parametrize("status", [429, 503])
def test_a_busy_server_is_asked_again_when_it_says(server: SmallServer, status: int) -> None:
    segmenter = loaded(server)
    server.instead = for_a_while([(status, {"Retry-After": "0"}, b"busy")] * 2)
    assert segmenter.predict(IMAGES).shape == (1, 4, *SIZE)
    assert len(server.inferences) == 3
    assert segmenter.traffic.repeated == 2


def test_the_wait_is_as_long_as_the_server_says(server: SmallServer) -> None:
    segmenter = loaded(server)
    server.instead = for_a_while([(503, {"Retry-After": "1"}, b"busy")])
    began = time.monotonic()
    segmenter.predict(IMAGES)
    assert time.monotonic() - began >= 1


def test_a_date_is_a_time_to_wait_too(server: SmallServer) -> None:
    segmenter = loaded(server, longest_wait=5)
    server.instead = for_a_while([(503, {"Retry-After": formatdate(time.time() + 3600, usegmt=True)}, b"")])
    with pytest.raises(ServerError, match=r"asks to wait 3[56]\d\d"):
        segmenter.predict(IMAGES)


def test_a_wait_longer_than_allowed_is_not_begun(server: SmallServer) -> None:
    segmenter = loaded(server)
    server.instead = for_a_while([(429, {"Retry-After": "86400"}, b"quota")])
    with pytest.raises(ServerError, match=r"status 429: quota.* asks to wait 86400 s, at most 30 s"):
        segmenter.predict(IMAGES)
    assert len(server.inferences) == 1


def test_patience_ends(server: SmallServer) -> None:
    segmenter = loaded(server, retries=2)
    server.instead = lambda one: (503, {"Retry-After": "0"}, b"busy") if one.path.endswith("/infer") else None
    with pytest.raises(ServerError, match=r"is busy .* asked 3 times"):
        segmenter.predict(IMAGES)
    assert len(server.inferences) == 3


@pytest.mark.parametrize("status", [429, 502, 503, 504])
def test_without_a_time_nothing_is_repeated(server: SmallServer, status: int) -> None:
    segmenter = loaded(server)
    server.instead = for_a_while([(status, {}, b"no")])
    with pytest.raises(ServerError, match=f"does not answer now .status {status}: no.*does not say when"):
        segmenter.predict(IMAGES)
    assert len(server.inferences) == 1


@pytest.mark.parametrize("status", [400, 404, 500])
def test_an_error_is_not_repeated(server: SmallServer, status: int) -> None:
    segmenter = loaded(server)
    server.instead = for_a_while([(status, {}, b'{"error": "it broke"}')])
    with pytest.raises(ServerError, match=f"refused .*status {status}: .*it broke"):
        segmenter.predict(IMAGES)
    assert len(server.inferences) == 1


def free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


def test_where_nothing_listens_it_is_tried_again_and_then_said() -> None:
    address = f"http://127.0.0.1:{free_port()}/v2/models/seg"
    began = time.monotonic()
    with pytest.raises(ServerError, match=r"nothing listens at 127\.0\.0\.1:.* asked 3 times"):
        OpenInferenceSegmenter(address, options=RemoteOptions(retries=2))
    assert time.monotonic() - began >= 0.25 + 0.5


def test_a_server_that_starts_late_is_found(server: SmallServer) -> None:
    late = SmallServer(server.model, port=free_port())
    import threading  # noqa: PLC0415 - only here

    def start() -> None:
        time.sleep(0.4)
        with late.running():
            done.wait(20)

    done = threading.Event()
    thread = threading.Thread(target=start)
    thread.start()
    try:
        assert asked(late).traffic.repeated >= 1
    finally:
        done.set()
        thread.join()


# Elsewhere, never, too much


@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_redirects_are_not_followed(server: SmallServer, status: int) -> None:
    segmenter = loaded(server)
    with SmallServer(server.model).running() as other:
        server.instead = for_a_while([(status, {"Location": other.address + "/infer"}, b"")])
        with pytest.raises(ServerError, match=f"redirects to {other.address}/infer: redirects are not followed"):
            segmenter.predict(IMAGES)
        assert other.seen == []


def test_a_slow_answer_is_given_up(server: SmallServer) -> None:
    segmenter = loaded(server, timeout=2.0)
    server.instead = slowly(4)
    with pytest.raises(ServerError, match="did not answer within 2 s: --timeout"):
        segmenter.predict(IMAGES)


def test_an_answer_that_drips_is_given_up_too(server: SmallServer, monkeypatch: pytest.MonkeyPatch) -> None:
    segmenter = loaded(server, timeout=5.0)
    clock = iter(range(0, 1000, 4))  # every look at the clock is four seconds later
    monkeypatch.setattr("time.perf_counter", lambda: float(next(clock)))
    with pytest.raises(ServerError, match="did not answer within 5 s"):
        segmenter.predict(IMAGES)


def test_an_endless_answer_is_cut(server: SmallServer, monkeypatch: pytest.MonkeyPatch) -> None:
    segmenter = loaded(server)
    monkeypatch.setattr(http_connection, "MOST_BYTES", 1000)
    with pytest.raises(ServerError, match="answers with more than"):
        segmenter.predict(IMAGES)


def test_a_compressed_answer_is_not_unpacked(server: SmallServer) -> None:
    segmenter = loaded(server)
    server.instead = for_a_while([(200, {"Content-Encoding": "gzip"}, b"bomb")])
    with pytest.raises(ServerError, match="compressed its answer"):
        segmenter.predict(IMAGES)
    assert server.seen[0].headers["accept-encoding"] == "identity"


@pytest.mark.parametrize("status", [401, 403])
def test_refused_credentials_are_said_to_be_refused(server: SmallServer, status: int) -> None:
    server.instead = lambda _: (status, {}, b"who are you?")
    with pytest.raises(ServerError, match=f"refused the credentials .status {status}: who are you.*--header-from"):
        asked(server)


def test_a_host_that_is_not_listed_gets_no_request(server: SmallServer) -> None:
    with pytest.raises(InputError, match=r"not allowed; allowed are models\.example"):
        asked(server, allowed_hosts=("models.example",))
    assert server.seen == []


def test_proxies_of_the_environment_are_not_used(server: SmallServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("ALL_PROXY", "http://127.0.0.1:9")
    assert asked(server).predict(IMAGES).shape == (1, 4, *SIZE)


# Answers that are none


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
