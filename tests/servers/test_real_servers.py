"""Triton, KServe, MLServer and MLflow themselves: the same model through each of their protocols.

Tolerances: scores of ONNX Runtime in another process, possibly another version and another batch, agree with those
here to 1e-4 of the largest score. Binary regions must be the same pixel by pixel, maps to 1e-3.
"""

import dataclasses
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
from misure_onnx.errors import GradientError, ServerError
from tests.cli.process import started
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


class OneAtATime:
    """Starts a server when it is first asked for, and ends the one before."""

    def __init__(self, model: Path, **options: Any) -> None:
        self._model, self._options = model, options
        self._context = ExitStack()
        self._running: Served | None = None

    def __call__(self, server: str) -> Served:
        """The running server; skips where its environment cannot be made."""
        if self._running is None or self._running.server != server:
            self.close()
            try:
                python_of(server)
            except NoEnvironment as reason:
                pytest.skip(f"no environment for {server}: {reason}")
            self._running = self._context.enter_context(serving(server, self._model, **self._options))
        return self._running

    def close(self) -> None:
        """Ends it."""
        self._running = None
        self._context.close()


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return small_network(tmp_path_factory.mktemp("served") / "model.onnx", size=SIZE)


@pytest.fixture(scope="module")
def servers(model: Path) -> Iterator[OneAtATime]:
    started_ones = OneAtATime(model, max_batch=TRITON_S_BATCH)
    yield started_ones
    started_ones.close()


@pytest.fixture
def served(servers: OneAtATime, server: str) -> Served:
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


@every_protocol
def test_every_method_that_needs_answers_alone_works(served: Served, protocol: str) -> None:
    if protocol not in ("gRPC", "MLflow"):
        pytest.skip("the slower protocols of a server give the same answers, as the tests above show")
    segmenter = asked(served, protocol)
    few = {
        "misure": {"budget": "10"},
        "rise": {"masks": "8"},
        "kernel_shap": {"samples": "16"},
        "lime": {"samples": "16"},
    }
    for name, method in mx.METHODS.items():
        chosen = mx.make_method(name, None, few.get(name, {}))
        if name == "occlusion":
            chosen = mx.make_method(name, None, {"patch": "24", "stride": "24"})
        if method.needs_answers_alone():
            explanation = chosen.explain(segmenter, PICTURE)
            assert explanation.provenance.server is not None, name
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
def test_the_command_line_explains_through_it(served: Served, local: mx.Segmenter, tmp_path: Path) -> None:
    address = list(served.addresses.values())[-1]
    cv2.imwrite(str(tmp_path / "picture.png"), PICTURE)
    picture = tmp_path / "picture.png"
    common = ("--preprocess", "unit", *(("--server-input", INPUT) if served.server == "mlflow" else ()), "--json")
    assert started("inspect", address, *common).document()["server"]["software"] == served.server
    found = started("explain", address, picture, "--method", "sufficient_region", *common).document()
    expected = mx.SufficientRegion().explain(local, picture)
    assert found["metrics"]["sufficient_region"] == dataclasses.asdict(expected.metrics)["sufficient_region"]
    assert found["provenance"]["server"]["software"] == served.server


def test_the_bundled_model_is_explained_through_triton_as_from_its_file() -> None:
    demo = Path(str(files("misure_onnx") / "demo"))
    file = mx.load_segmenter(demo / "triangle.onnx", provider="cpu")
    servers = OneAtATime(demo / "triangle.onnx")
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
