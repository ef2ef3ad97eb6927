"""The application on Ray Serve, on this machine."""

import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import httpx2
import pytest

from tests.service.examples import PATIENCE, QUICK, disc, ended, submitted

pytestmark = pytest.mark.skipif(
    not (find_spec("ray") and find_spec("grpc_reflection")), reason="ray[serve] is not installed"
)

# In a process of its own: Ray changes the one that it runs in.
PROGRAM = """
import sys, time
import ray
from ray import serve
from misure_onnx.service.on_ray import build
data, models, port = sys.argv[1:]
ray.init("local", num_cpus=2, include_dashboard=False, log_to_driver=False, _node_ip_address="127.0.0.1")
serve.start(http_options={"host": "127.0.0.1", "port": int(port)})
serve.run(build({"data": data, "models": models, "devices": "cpu"}))
print("running", flush=True)
sys.stdin.read()
serve.shutdown()
ray.shutdown()
"""


@pytest.fixture
def address(tmp_path: Path, models: Path) -> Iterator[str]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-c", PROGRAM, str(tmp_path / "data"), str(models), str(port)]
    path = os.pathsep.join([str(Path.cwd()), os.environ.get("PYTHONPATH", "")])
    environment = {**os.environ, "PYTHONPATH": path, "RAY_USAGE_STATS_ENABLED": "0"}
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=environment
    ) as process:
        assert process.stdout is not None
        assert any(b"running" in line for line in process.stdout), "Ray Serve did not start"
        yield f"http://127.0.0.1:{port}"
        process.communicate()


def test_a_job_runs_on_ray_serve_as_it_does_elsewhere(address: str) -> None:
    with httpx2.Client(base_url=address, timeout=PATIENCE) as client:
        path = submitted(client, disc(), QUICK)
        assert ended(client, path)["state"] == "succeeded"
        assert '"state": "succeeded"' in client.get(f"{path}/events").text
        assert client.get(f"{path}/result").json()["target"]["class_name"] == "disc"
