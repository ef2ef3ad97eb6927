"""KServe's explainer: in this process with a small predictor, and as a container runs it with a real one."""

import json
import os
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

import misure_onnx as mx
from benchmarks.servers.environments import NoEnvironment, python_of
from benchmarks.servers.starting import free_ports, serving
from misure_onnx.errors import ParameterError
from misure_onnx.integrations.instances import Wishes
from tests.backends.open_inference.small_server import SmallServer, slowly
from tests.tiny_models import noise_image, small_network

pytest.importorskip("fastapi", reason="the extra 'service' is not installed")
from starlette.testclient import TestClient

from misure_onnx.service import kserve, kserve_app
from misure_onnx.service.kserve_app import Predictor, application

PICTURE = noise_image()
BODY = {"instances": [PICTURE.tolist()]}


@pytest.fixture
def server(small_network: Path) -> Iterator[SmallServer]:
    with SmallServer(small_network).running() as running:
        yield running


@contextmanager
def explainer(server: SmallServer, *, at_once: int = 1, **flags: Any) -> Iterator[TestClient]:
    """The application, connected as the flags say."""
    given = {"preprocess": "unit", "predictor_request_retries": 0, **flags}
    arguments = [text for name, value in given.items() for text in (f"--{name}", str(value))]
    asked = kserve.parser().parse_args(
        ["--model_name", "seg", "--predictor_host", f"127.0.0.1:{server.port}", *arguments]
    )
    predictor = Predictor(lambda: kserve.load_predictor(asked, kserve.predictor_address(asked)))
    with TestClient(application("seg", predictor, kserve.requested_wishes(asked), at_once=at_once)) as client:
        yield client


def when_ready(client: TestClient) -> TestClient:
    for _ in range(200):
        if client.get("/v2/health/ready").status_code == 200:
            return client
        time.sleep(0.05)
    raise AssertionError(client.get("/v2/health/ready").text)


def test_an_explanation_is_the_file_s(server: SmallServer, small_network: Path) -> None:
    with explainer(server) as client:
        answer = when_ready(client).post("/v1/models/seg:explain", json=BODY)
    assert answer.status_code == 200, answer.text
    (found,) = answer.json()["explanations"]
    expected = mx.SufficientRegion().explain(mx.load_segmenter(small_network, "unit", provider="cpu"), PICTURE)
    assert found["metrics"] == expected.to_json()["metrics"]
    assert found["provenance"]["server"]["software"] == "small"


def test_models_and_health_are_where_kserve_looks(server: SmallServer) -> None:
    with explainer(server) as client:
        when_ready(client)
        assert client.get("/v1/models/seg").json() == {"name": "seg", "ready": True}
        assert client.get("/v1/models").json() == {"models": ["seg"]}
        assert client.get("/v2/health/live").status_code == client.get("/").status_code == 200
        assert client.get("/v1/models/other").status_code == 404
        assert client.post("/v1/models/other:explain", json=BODY).status_code == 404


@pytest.mark.parametrize(
    ("content", "status"),
    [
        (b"no JSON", 400),
        (b"[" * 100_000, 400),
        (b"{}", 400),
        (b'{"instances": [3]}', 400),
        (json.dumps({**BODY, "parameters": {"method": "seg_grad_cam"}}).encode(), 400),
        (json.dumps({**BODY, "parameters": {"class": 77}}).encode(), 400),
        (b'{"instances": [' + b" " * 5000 + b"]}", 413),
    ],
)
def test_what_cannot_be_explained_is_refused_and_counted(
    server: SmallServer, monkeypatch: pytest.MonkeyPatch, content: bytes, status: int
) -> None:
    if status == 413:
        monkeypatch.setattr(kserve_app, "MOST_BYTES", 1000)
    with explainer(server) as client:
        answer = when_ready(client).post("/v1/models/seg:explain", content=content)
        assert answer.status_code == status, answer.text
        assert answer.json()["error"]
        assert f'misure_explain_requests_total{{status="{status}"}} 1.0' in client.get("/metrics").text


def test_a_predictor_that_starts_later_is_reached(small_network: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kserve_app, "_AGAIN", 0.1)
    late = SmallServer(small_network, port=free_ports(1)[0])
    with explainer(late) as client:
        assert client.get("/v2/health/ready").status_code == 503
        assert client.post("/v1/models/seg:explain", json=BODY).status_code == 503
        with late.running():
            assert when_ready(client).post("/v1/models/seg:explain", json=BODY).status_code == 200


def test_a_new_version_of_the_model_is_taken_up(server: SmallServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kserve_app, "_AGAIN", 0.1)
    with explainer(server) as client:
        when_ready(client)
        server.version = "2"
        answer = client.post("/v1/models/seg:explain", json=BODY)
        assert answer.status_code == 502
        assert "version 2 of the model answers" in answer.json()["error"]
        (found,) = when_ready(client).post("/v1/models/seg:explain", json=BODY).json()["explanations"]
        assert found["provenance"]["server"]["model_version"] == "2"


def test_more_requests_than_may_wait_are_sent_away(server: SmallServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kserve_app, "_WAITING", 1)
    with explainer(server) as client, ThreadPoolExecutor(4) as threads:
        when_ready(client)
        server.instead = slowly(0.3)
        body = {**BODY, "parameters": {"method": "predicted_mask"}}
        answers = list(threads.map(lambda _: client.post("/v1/models/seg:explain", json=body), range(4)))
    statuses = sorted(answer.status_code for answer in answers)
    assert statuses == [200, 200, 503, 503]
    assert all(answer.headers["retry-after"] for answer in answers if answer.status_code == 503)


@pytest.mark.parametrize(
    ("flags", "address"),
    [
        (["--predictor_host", "p.ns"], "http://p.ns/v2/models/seg"),
        (["--predictor_host", "p.ns", "--predictor_use_ssl", "true"], "https://p.ns/v2/models/seg"),
        (["--predictor_host", "p.ns:81", "--predictor_protocol", "grpc-v2"], "grpc://p.ns:81/seg"),
        (["--predictor_host", "p.ns", "--predictor_protocol", "grpc-v2", "--predictor_model", "m"], "grpc://p.ns:80/m"),
    ],
)
def test_the_controller_s_flags_say_where_the_predictor_is(flags: list[str], address: str) -> None:
    asked = kserve.parser().parse_args(["--model_name", "seg", "--http_port", "8080", "--workers", "2", *flags])
    assert kserve.predictor_address(asked) == address


def test_a_protocol_without_tensors_and_an_unknown_setting_are_refused(capsys: pytest.CaptureFixture[str]) -> None:
    flags = ["--model_name", "seg", "--predictor_host", "p.ns"]
    assert kserve.main([*flags, "--predictor_protocol", "v1"]) == 2
    assert "must be v2 or grpc-v2, got 'v1'" in capsys.readouterr().err
    assert kserve.main([*flags, "--set", "unknown=1"]) == 2
    with pytest.raises(ParameterError, match="NAME=VALUE"):
        kserve.requested_wishes(kserve.parser().parse_args([*flags, "--set", "tau"]))
    assert kserve.requested_wishes(kserve.parser().parse_args([*flags, "--set", "tau=0.8"])) == Wishes(
        settings={"tau": "0.8"}
    )


# The process, with KServe's own predictor


@pytest.mark.server
@pytest.mark.parametrize("protocol", kserve.PROTOCOLS)
def test_it_explains_a_real_predictor(tmp_path: Path, protocol: str) -> None:
    try:
        python_of("kserve")
    except NoEnvironment as reason:
        pytest.skip(f"no environment for kserve: {reason}")
    model = small_network(tmp_path / "model.onnx")
    with serving("kserve", model) as served:
        predictor_port = served.http_port if protocol == "v2" else served.grpc_port
        flags = ["--predictor_host", f"127.0.0.1:{predictor_port}", "--predictor_protocol", protocol]
        with process(*flags, "--preprocess", "unit", "--method", "misure", "--set", "budget=30") as address:
            found = posted(f"{address}/v1/models/seg:explain", BODY)["explanations"][0]
    local = mx.load_segmenter(model, "unit", provider="cpu")
    expected = mx.make_method("misure", None, {"budget": "30", "route": "search"}).explain(local, PICTURE)
    assert found["metrics"] == expected.to_json()["metrics"]
    assert found["provenance"]["server"]["software"] == "kserve"
    assert found["provenance"]["server"]["protocol"] == ("REST binary" if protocol == "v2" else "gRPC")


@contextmanager
def process(*flags: str) -> Iterator[str]:
    """`python -m misure_onnx.service.kserve` as the controller starts it."""
    (port,) = free_ports(1)
    command = [sys.executable, "-m", "misure_onnx.service.kserve", "--model_name", "seg", "--http_port", str(port)]
    started = subprocess.Popen([*command, "--workers", "1", "--host", "127.0.0.1", *flags], env=dict(os.environ))
    address = f"http://127.0.0.1:{port}"
    try:
        for _ in range(600):
            try:
                with urllib.request.urlopen(f"{address}/v2/health/ready", timeout=5):  # noqa: S310
                    break
            except OSError:
                time.sleep(0.1)
        yield address
    finally:
        started.terminate()
        assert started.wait(20) in (0, -15)


def posted(url: str, document: Any) -> Any:
    request = urllib.request.Request(url, json.dumps(document).encode(), {"Content-Type": "application/json"})  # noqa: S310
    with urllib.request.urlopen(request, timeout=120) as answer:  # noqa: S310
        return json.loads(answer.read())
