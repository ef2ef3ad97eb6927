"""Triton, KServe, MLServer and MLflow themselves: the bundled model through each of their protocols.

Tolerances: scores of ONNX Runtime in another process, possibly another version and another batch, agree with those
here to 1e-4 of the largest score. Binary regions must be the same pixel by pixel, maps to 1e-3.
"""

import dataclasses
from collections.abc import Iterator
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import misure_onnx as mx
from benchmarks.servers.environments import NoEnvironment, python_of
from benchmarks.servers.starting import Served, serving
from misure_onnx.backends.open_inference import OpenInferenceSegmenter, RemoteOptions
from misure_onnx.errors import GradientError, ServerError
from misure_onnx.preprocessing import Preprocessing
from tests.cli.process import started

pytestmark = pytest.mark.server

DEMO = Path(str(files("misure_onnx") / "demo"))
MODEL, PICTURE = DEMO / "triangle.onnx", DEMO / "triangle.png"
TRITON_S_BATCH = 4
PROTOCOLS = {
    "triton": ("REST binary", "REST JSON", "gRPC"),
    "kserve": ("REST binary", "REST JSON", "gRPC"),
    "mlserver": ("REST JSON", "gRPC"),
    "mlflow": ("MLflow",),
}
every_server = pytest.mark.parametrize("served", PROTOCOLS, indirect=True)
every_protocol = pytest.mark.parametrize(
    ("served", "protocol"),
    [(server, protocol) for server, protocols in PROTOCOLS.items() for protocol in protocols],
    indirect=["served"],
)


@pytest.fixture(scope="module")
def served(request: pytest.FixtureRequest) -> Iterator[Served]:
    """One server at a time; skips where its environment cannot be made."""
    try:
        python_of(request.param)
    except NoEnvironment as reason:
        pytest.skip(f"no environment for {request.param}: {reason}")
    with serving(request.param, MODEL, max_batch=TRITON_S_BATCH) as running:
        yield running


@pytest.fixture(scope="module")
def local() -> mx.Segmenter:
    return mx.load_segmenter(MODEL, provider="cpu")


def declared(local: mx.Segmenter) -> Preprocessing:
    """What stands in the file's metadata, which no server passes on."""
    return local.spec.preprocessing


def options_of(protocol: str) -> RemoteOptions:
    spec = "image:FP32:-1,3,224,224" if protocol == "MLflow" else None
    return RemoteOptions(protocol="json" if protocol == "REST JSON" else "auto", input=spec)


def asked(served: Served, protocol: str, local: mx.Segmenter) -> OpenInferenceSegmenter:
    found = mx.load_segmenter(served.addresses[protocol], declared(local), remote=options_of(protocol))
    assert isinstance(found, OpenInferenceSegmenter)
    return found


@every_protocol
def test_scores_are_the_file_s(served: Served, protocol: str, local: mx.Segmenter) -> None:
    segmenter = asked(served, protocol, local)
    images = np.random.default_rng(0).random((6, 3, 224, 224), np.float32)
    expected = local.predict(images)
    assert segmenter.predict(images) == pytest.approx(expected, abs=1e-4 * float(np.abs(expected).max()))


@every_protocol
def test_what_answered_is_recorded(served: Served, protocol: str, local: mx.Segmenter) -> None:
    segmenter = asked(served, protocol, local)
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
    chosen, target = mx.make_method(method, None, METHODS[method]), mx.Target.at(67, 124)
    expected = chosen.explain(local, PICTURE, target)
    found = chosen.explain(asked(served, protocol, local), PICTURE, target)
    assert np.array_equal(found.prediction, expected.prediction)
    assert np.array_equal(found.minimal_region, expected.minimal_region)
    assert found.saliency == pytest.approx(expected.saliency, abs=1e-3)
    assert found.metrics.dice_explained == pytest.approx(expected.metrics.dice_explained, abs=1e-3)
    record = found.provenance.server
    assert record is not None
    assert record.requests > 0
    assert record.bytes_sent > 4 * 3 * 224 * 224


@every_protocol
def test_every_method_that_needs_answers_alone_works(served: Served, protocol: str, local: mx.Segmenter) -> None:
    if protocol not in ("gRPC", "MLflow"):
        pytest.skip("the slower protocols of a server give the same answers, as the tests above show")
    segmenter = asked(served, protocol, local)
    few = {
        "misure": {"budget": "10"},
        "rise": {"masks": "8"},
        "kernel_shap": {"samples": "16"},
        "lime": {"samples": "16"},
    }
    for name, method in mx.METHODS.items():
        chosen = mx.make_method(name, None, few.get(name, {}))
        if name == "occlusion":
            chosen = mx.make_method(name, None, {"patch": "112", "stride": "112"})
        if method.needs_answers_alone():
            explanation = chosen.explain(segmenter, PICTURE, mx.Target.at(67, 124))
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
    fields = {key: value for key, value in declared(local).to_mapping().items() if key not in ("source", "licence")}
    (tmp_path / "triangle.yaml").write_text(_yaml(fields), encoding="utf-8")
    more = ("--server-input", "image:FP32:-1,3,224,224") if served.server == "mlflow" else ()
    common = ("--preprocess", tmp_path / "triangle.yaml", *more, "--json")
    assert started("inspect", address, *common).document()["server"]["software"] == served.server
    found = started(
        "explain", address, PICTURE, "--method", "sufficient_region", "--class", "triangle", *common
    ).document()
    expected = mx.SufficientRegion().explain(local, PICTURE, mx.Target.from_class("triangle"))
    assert found["metrics"]["sufficient_region"] == dataclasses.asdict(expected.metrics)["sufficient_region"]
    assert found["provenance"]["server"]["software"] == served.server


def _yaml(fields: dict[str, Any]) -> str:
    import yaml  # noqa: PLC0415 - only here

    return yaml.safe_dump(fields)
