"""Servers that are busy, lie, break off or send one elsewhere: one sentence, no second question unless it is safe."""

import socket
import time
from email.utils import formatdate

import pytest

from misure_onnx.backends.open_inference import OpenInferenceSegmenter, RemoteOptions, http_connection
from misure_onnx.errors import InputError, ServerError
from tests.backends.open_inference.asking import IMAGES, asked, loaded
from tests.backends.open_inference.small_server import SmallServer, for_a_while, slowly
from tests.tiny_models import SIZE

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
