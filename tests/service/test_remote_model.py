"""A model behind a server, listed by the operator, explained by the service as the file is."""

from pathlib import Path

import pytest

from misure_onnx.service.settings import ServiceSettings
from tests import tiny_models
from tests.backends.open_inference.small_server import SmallServer
from tests.service.examples import disc, ended, submitted
from tests.service.serving import HOST, serving


@pytest.mark.parametrize("method", ["sufficient_region", "misure"])
def test_the_explanation_is_that_of_the_file(tmp_path: Path, method: str) -> None:
    file = tiny_models.bright_pixels(tmp_path / "behind.onnx")
    registry = tmp_path / "models"
    registry.mkdir()
    tiny_models.bright_pixels(registry / "file.onnx")
    declared = f"{{scale: {1 / 255}, color: GRAY}}"
    (registry / "file.yaml").write_text(declared)
    with SmallServer(file).running() as server:
        (registry / "vendor.remote.yaml").write_text(
            f"url: {server.address}\npreprocess: {declared}\nremote: {{timeout: 20}}\n"
        )
        settings = ServiceSettings(data=tmp_path / "data", models=registry, devices=("cpu",), hosts=(HOST,))
        with serving(settings) as client:
            spec = {"method": method, "target": {"class": 1}}
            if method == "misure":
                spec["settings"] = {"route": "search", "budget": 60}
            results = {}
            for model in ("file", "vendor"):
                path = submitted(client, disc(), {"model": model, **spec})
                assert ended(client, path)["state"] == "succeeded"
                results[model] = client.get(f"{path}/result").json()
    assert results["file"]["metrics"] == results["vendor"]["metrics"]
    assert results["file"]["provenance"]["server"] is None
    assert results["vendor"]["provenance"]["server"]["requests"] > 0
