"""Triton, KServe, MLServer and MLflow themselves: the same model through each of their protocols.

Tolerances: scores of ONNX Runtime in another process, possibly another version and another batch, agree with those
here to 1e-4 of the largest score. Binary regions must be the same pixel by pixel, maps to 1e-3.
"""

import json
from collections.abc import Iterator
from contextlib import ExitStack
from importlib.resources import files
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

import misure_onnx as mx
from benchmarks.servers.environments import NoEnvironment, python_of
from benchmarks.servers.starting import Served, serving
from misure_onnx.backends.open_inference import OpenInferenceSegmenter, RemoteOptions
from misure_onnx.cli import main
from misure_onnx.errors import GradientError, ServerError
from tests.tiny_models import noise_image, small_network

pytestmark = pytest.mark.server

SIZE = (48, 64)
INPUT = f"image:FP32:-1,3,{SIZE[0]},{SIZE[1]}"
TRITON_S_BATCH = 4
PROTOCOLS = {
    "triton": ("REST binary", "REST JSON", "gRPC"),
    "kserve": ("REST binary", "REST JSON", "gRPC"),
    "mlserver": ("REST JSON", "gRPC"),
    "mlflow": ("MLflow",),
}
every_server = pytest.mark.parametrize("server", PROTOCOLS)
every_protocol = pytest.mark.parametrize(
    ("server", "protocol"), [(server, protocol) for server, protocols in PROTOCOLS.items() for protocol in protocols]
)


class Servers:
    """Starts each server when it is first asked for, and ends them all together."""

    def __init__(self, model: Path, **options: Any) -> None:
        self._model, self._options = model, options
        self._context = ExitStack()
        self._running: dict[str, Served] = {}

    def __call__(self, server: str) -> Served:
        """The running server; skips where its environment cannot be made."""
        if server not in self._running:
            try:
                python_of(server)
            except NoEnvironment as reason:
                pytest.skip(f"no environment for {server}: {reason}")
            self._running[server] = self._context.enter_context(serving(server, self._model, **self._options))
        return self._running[server]

    def close(self) -> None:
        """Ends them."""
        self._context.close()


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return small_network(tmp_path_factory.mktemp("served") / "model.onnx", size=SIZE)


@pytest.fixture(scope="module")
def servers(model: Path) -> Iterator[Servers]:
    started = Servers(model, max_batch=TRITON_S_BATCH)
    yield started
    started.close()


@pytest.fixture
def served(servers: Servers, server: str) -> Served:
    return servers(server)


@pytest.fixture(scope="module")
def local(model: Path) -> mx.Segmenter:
    return mx.load_segmenter(model, "unit", provider="cpu")


PICTURE = noise_image(SIZE)


def asked(served: Served, protocol: str) -> OpenInferenceSegmenter:
    spec = INPUT if protocol == "MLflow" else None
    options = RemoteOptions(protocol="json" if protocol == "REST JSON" else "auto", input=spec)
    found = mx.load_segmenter(served.addresses[protocol], "unit", remote=options)
    assert isinstance(found, OpenInferenceSegmenter)
    return found


@every_protocol
def test_scores_are_the_file_s(served: Served, protocol: str, local: mx.Segmenter) -> None:
    segmenter = asked(served, protocol)
    images = np.random.default_rng(0).random((6, 3, *SIZE), np.float32)
    expected = local.predict(images)
    assert segmenter.predict(images) == pytest.approx(expected, abs=1e-4 * float(np.abs(expected).max()))


@every_protocol
def test_what_answered_is_recorded(served: Served, protocol: str) -> None:
    segmenter = asked(served, protocol)
    server = segmenter.identity.server
    assert server is not None
    assert (server.protocol, server.software) == (protocol, served.server)
    assert server.software_version
    assert server.model == (None if served.server == "mlflow" else "seg")
    assert server.model_version == ("1" if served.server == "triton" else None)
    if served.server == "triton":
        assert segmenter.spec.batch_size == TRITON_S_BATCH
    assert segmenter.spec.batch_size > 1


METHODS: dict[str, dict[str, str]] = {
    "sufficient_region": {},
    "misure": {"route": "search", "budget": "40"},
    "rise": {"masks": "24"},
}


@every_protocol
@pytest.mark.parametrize("method", METHODS)
def test_explanations_are_the_file_s(served: Served, protocol: str, local: mx.Segmenter, method: str) -> None:
    chosen = mx.make_method(method, None, METHODS[method])
    expected = chosen.explain(local, PICTURE)
    found = chosen.explain(asked(served, protocol), PICTURE)
    assert np.array_equal(found.prediction, expected.prediction)
    assert np.array_equal(found.minimal_region, expected.minimal_region)
    assert found.saliency == pytest.approx(expected.saliency, abs=1e-3)
    assert found.metrics.dice_explained == pytest.approx(expected.metrics.dice_explained, abs=1e-3)
    record = found.provenance.server
    assert record is not None
    assert record.requests > 0
    assert record.bytes_sent > 4 * 3 * SIZE[0] * SIZE[1]


FEW: dict[str, dict[str, str]] = {
    "misure": {"budget": "10"},
    "rise": {"masks": "8"},
    "occlusion": {"patch": "24", "stride": "24"},
    "kernel_shap": {"features": "6", "budget": "20"},
    "lime": {"samples": "16"},
}


@pytest.mark.parametrize(("server", "protocol"), [("triton", "gRPC"), ("mlflow", "MLflow")])
def test_every_method_that_needs_answers_alone_works_and_no_other(served: Served, protocol: str) -> None:
    segmenter = asked(served, protocol)
    for name, method in mx.METHODS.items():
        chosen = mx.make_method(name, None, FEW.get(name, {}))
        if method.needs_answers_alone():
            assert chosen.explain(segmenter, PICTURE).provenance.server is not None, name
        else:
            with pytest.raises(GradientError, match="gives answers alone"):
                chosen.explain(segmenter, PICTURE)


@every_server
def test_a_model_that_is_not_there_is_said_not_to_be(served: Served) -> None:
    for protocol, address in served.addresses.items():
        if protocol == "MLflow":
            continue
        with pytest.raises(ServerError, match="describes no model 'other'"):
            mx.load_segmenter(address.replace("/seg", "/other"), "unit", remote=RemoteOptions(retries=0))


@every_server
def test_the_command_line_explains_through_it(
    served: Served, local: mx.Segmenter, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    address, picture = list(served.addresses.values())[-1], str(tmp_path / "picture.png")
    cv2.imwrite(picture, PICTURE)
    common = ["--preprocess", "unit", *(["--server-input", INPUT] if served.server == "mlflow" else []), "--json"]
    assert main(["inspect", address, *common]) == 0
    assert json.loads(capsys.readouterr().out)["server"]["software"] == served.server
    assert main(["explain", address, picture, "--method", "sufficient_region", *common]) == 0
    found = json.loads(capsys.readouterr().out)
    expected = mx.SufficientRegion().explain(local, picture)
    assert found["metrics"] == expected.to_json()["metrics"]
    assert found["provenance"]["server"]["software"] == served.server


def test_the_bundled_model_is_explained_through_triton_as_from_its_file() -> None:
    demo = Path(str(files("misure_onnx") / "demo"))
    file = mx.load_segmenter(demo / "triangle.onnx", provider="cpu")
    servers = Servers(demo / "triangle.onnx")
    try:
        # What stands in the file's metadata, no server passes on.
        served = mx.load_segmenter(servers("triton").addresses["gRPC"], file.spec.preprocessing)
        method, target = mx.make_method("misure", None, {"route": "search", "budget": "60"}), mx.Target.at(67, 124)
        expected, found = (method.explain(one, demo / "triangle.png", target) for one in (file, served))
    finally:
        servers.close()
    assert np.array_equal(found.minimal_region, expected.minimal_region)
    assert found.metrics.sufficient_region == expected.metrics.sufficient_region
    assert found.certificate.passed
