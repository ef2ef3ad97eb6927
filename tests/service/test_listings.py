import dataclasses
import time
from pathlib import Path

from starlette.testclient import TestClient

from misure_onnx.file_hash import sha256_of
from misure_onnx.methods import METHODS
from tests.service.examples import PATIENCE, problem


def test_models_are_listed_by_the_hash_of_their_files(client: TestClient, models: Path) -> None:
    wait_until_ready(client)
    listed = {one["name"]: one for one in client.get("/v1/models").json()["models"]}
    assert {name: one["id"] for name, one in listed.items()} == {
        path.stem: sha256_of(path) for path in models.glob("*.onnx")
    }
    bright = listed["bright"]
    assert bright["ready"]
    assert bright["classes"] == [{"index": 0, "name": "background"}, {"index": 1, "name": "disc"}]
    assert (bright["background"], bright["size"], bright["output"]) == (0, [20, 24], "logits")
    assert not listed["broken"]["ready"]
    assert "broken.onnx" in listed["broken"]["error"]
    assert str(models) not in listed["broken"]["error"]


def test_a_model_is_found_by_id_and_by_name(client: TestClient) -> None:
    one = client.get("/v1/models/bright").json()
    assert client.get(f"/v1/models/{one['id']}").json() == one
    problem(client.get("/v1/models/none"), 404)


def test_methods_are_the_registry_with_every_parameter(client: TestClient) -> None:
    listed = client.get("/v1/methods").json()["methods"]
    assert [one["name"] for one in listed] == list(METHODS)
    for one in listed:
        method = METHODS[one["name"]]
        fields = dataclasses.fields(method)  # type: ignore[arg-type]
        assert {p["name"]: p["default"] for p in one["parameters"]} == {f.name: f.default for f in fields}
        assert one["summary"] == method.summary
        undocumented = [p["name"] for p in one["parameters"] if not p["summary"]]
        assert not undocumented, f"{one['name']}: {undocumented}"


def wait_until_ready(client: TestClient) -> None:
    give_up = time.monotonic() + PATIENCE
    while client.get("/health/ready").status_code != 200:
        assert time.monotonic() < give_up
        time.sleep(0.1)
