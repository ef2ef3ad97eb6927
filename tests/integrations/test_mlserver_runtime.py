"""The runtime in MLServer itself: an explainer beside the model that it explains, and one of a file."""

import base64
import json
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import cv2
import pytest

import misure_onnx as mx
from benchmarks.servers.environments import NoEnvironment, python_of
from benchmarks.servers.starting import free_ports, running
from tests.backends.open_inference.small_server import SmallServer
from tests.tiny_models import noise_image, small_network

pytestmark = pytest.mark.server

ROOT = Path(__file__).resolve().parents[2]
PICTURE = noise_image()


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return small_network(tmp_path_factory.mktemp("model") / "model.onnx")


@pytest.fixture(scope="module")
def explainers(model: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """MLServer with two explainers: `of-the-address` and `of-the-file`; gives its address."""
    try:
        python = python_of("mlserver_with_misure")
    except NoEnvironment as reason:
        pytest.skip(f"no environment for MLServer with this library: {reason}")
    folder, (http_port, grpc_port) = tmp_path_factory.mktemp("mlserver"), free_ports(2)
    settings = {"host": "127.0.0.1", "http_port": http_port, "grpc_port": grpc_port, "metrics_endpoint": None}
    (folder / "settings.json").write_text(json.dumps({**settings, "parallel_workers": 0}), encoding="utf-8")
    with ExitStack() as stack:
        server = stack.enter_context(SmallServer(model).running())
        for name, uri in (("of-the-address", server.address), ("of-the-file", str(model))):
            (folder / name).mkdir()
            described = {
                "name": name,
                "implementation": "misure_onnx.integrations.mlserver.MisureExplainer",
                "parameters": {"uri": uri, "extra": {"preprocess": "unit"}},
            }
            (folder / name / "model-settings.json").write_text(json.dumps(described), encoding="utf-8")
        address = f"http://127.0.0.1:{http_port}"
        command = [str(python.parent / "mlserver"), "start", str(folder)]
        stack.enter_context(running(command, f"{address}/v2/health/ready", PYTHONPATH=str(ROOT)))
        yield address


def asked(address: str, name: str, tensor: dict[str, Any], parameters: dict[str, Any] | None = None) -> Any:
    document = {"inputs": [tensor], **({"parameters": {"explain_parameters": parameters}} if parameters else {})}
    url = f"{address}/v2/models/{name}/infer"
    request = urllib.request.Request(url, json.dumps(document).encode(), {"Content-Type": "application/json"})  # noqa: S310
    with urllib.request.urlopen(request, timeout=120) as answer:  # noqa: S310
        (output,) = json.loads(answer.read())["outputs"]
    assert (output["name"], output["datatype"]) == ("explanation", "BYTES")
    return [json.loads(text) for text in output["data"]]


AS_NUMBERS = {"name": "image", "datatype": "UINT8", "shape": [1, *PICTURE.shape], "data": PICTURE.ravel().tolist()}


def as_file() -> dict[str, Any]:
    png = base64.b64encode(cv2.imencode(".png", PICTURE[..., ::-1])[1].tobytes()).decode()
    return {"name": "image", "datatype": "BYTES", "shape": [1], "data": [png]}


@pytest.mark.parametrize("name", ["of-the-address", "of-the-file"])
@pytest.mark.parametrize("tensor", [AS_NUMBERS, as_file()], ids=["numbers", "file"])
def test_a_prediction_is_the_library_s_explanation(
    explainers: str, model: Path, name: str, tensor: dict[str, Any]
) -> None:
    (found,) = asked(explainers, name, tensor)
    expected = mx.SufficientRegion().explain(mx.load_segmenter(model, "unit", provider="cpu"), PICTURE)
    assert found["metrics"] == expected.to_json()["metrics"]
    assert (found["provenance"]["server"] is not None) == (name == "of-the-address")


def test_a_request_chooses_the_method(explainers: str) -> None:
    (found,) = asked(
        explainers, "of-the-file", AS_NUMBERS, {"method": "gradient", "class": 1, "files": ["saliency.npy"]}
    )
    assert (found["method"]["name"], found["target"]["class_index"]) == ("gradient", 1)
    assert list(found["files"]) == ["saliency.npy"]


@pytest.mark.parametrize("parameters", [{"method": "none"}, {"class": 99}, {"unknown": 1}])
def test_what_cannot_be_explained_is_refused(explainers: str, parameters: dict[str, Any]) -> None:
    with pytest.raises(urllib.error.HTTPError) as refusal:
        asked(explainers, "of-the-file", AS_NUMBERS, parameters)
    assert 400 <= refusal.value.code < 600
    assert "error" in json.loads(refusal.value.read())
