"""Starts a real inference server with an ONNX file, waits until it is ready, and ends it with all its processes."""

import contextlib
import os
import signal
import socket
import subprocess
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from benchmarks.servers.environments import python_of

MODEL = "seg"
_PROGRAMS = Path(__file__).parent / "programs"
_PATIENCE, _GRACE = 180.0, 5.0


class ServerDied(Exception):  # noqa: N818 - reads as what it is
    """A server did not become ready; the message holds the end of what it printed."""


@dataclass(frozen=True)
class Served:
    """A running server.

    Attributes:
        server: its name in `ENVIRONMENTS`.
        addresses: of the model, by protocol: `REST binary`, `REST JSON`, `gRPC`, `MLflow`.
        http_port, grpc_port: where it listens, on this machine.
    """

    server: str
    addresses: dict[str, str]
    http_port: int
    grpc_port: int


@contextmanager
def serving(server: str, model: Path, *, max_batch: int = 8, threads: int = 1) -> Iterator[Served]:
    """A server that holds one model under the name `seg`, as long as the context lasts.

    Raises:
        NoEnvironment: its environment cannot be made.
        ServerDied: it does not start.
    """
    python = python_of(server)
    http_port, grpc_port = free_ports(2)
    served = Served(server, _addresses(server, http_port, grpc_port), http_port, grpc_port)
    command = [str(python), str(_PROGRAMS / f"serve_{server}.py"), str(model.resolve()), "--name", MODEL]
    command += ["--http-port", str(http_port), "--grpc-port", str(grpc_port)]
    command += ["--max-batch", str(max_batch), "--threads", str(threads)]
    path = "/ping" if server == "mlflow" else f"/v2/models/{MODEL}/ready"
    with running(command, f"http://127.0.0.1:{http_port}{path}", OMP_NUM_THREADS=str(threads)):
        yield served


@contextmanager
def running(command: list[str], ready: str, **environment: str) -> Iterator[None]:
    """A process, as long as the context lasts, once an address answers with 200.

    Raises:
        ServerDied: it never does.
    """
    with tempfile.TemporaryDirectory(prefix="misure-server-", ignore_cleanup_errors=True) as folder:
        own = {**os.environ, "TMPDIR": folder, "PYTRITON_HOME": folder, **environment}
        log = Path(folder, "log.txt")
        with log.open("wb") as out:
            process = subprocess.Popen(  # noqa: S603 - a server that a test or benchmark chose
                command, stdout=out, stderr=subprocess.STDOUT, cwd=folder, env=own, start_new_session=True
            )
        try:
            _wait(process, ready, log)
            yield
        finally:
            _end(process)


def _addresses(server: str, http_port: int, grpc_port: int) -> dict[str, str]:
    if server == "mlflow":
        return {"MLflow": f"mlflow+http://127.0.0.1:{http_port}"}
    rest = f"http://127.0.0.1:{http_port}/v2/models/{MODEL}"
    binary = {} if server == "mlserver" else {"REST binary": rest}
    return {**binary, "REST JSON": rest, "gRPC": f"grpc://127.0.0.1:{grpc_port}/{MODEL}"}


def free_ports(count: int) -> list[int]:
    """Ports of this machine that nothing listens at."""
    with contextlib.ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for one in sockets:
            one.bind(("127.0.0.1", 0))
        return [int(one.getsockname()[1]) for one in sockets]


def _wait(process: subprocess.Popen[bytes], ready: str, log: Path) -> None:
    deadline = time.monotonic() + _PATIENCE
    while time.monotonic() < deadline and process.poll() is None:
        with contextlib.suppress(urllib.error.URLError, OSError), urllib.request.urlopen(ready, timeout=5) as answer:  # noqa: S310 - of this machine
            if answer.status == 200:
                return
        time.sleep(0.2)
    raise ServerDied(f"nothing is ready at {ready}: {log.read_text(errors='replace')[-2000:]}")


def _end(process: subprocess.Popen[bytes]) -> None:
    """The process and all that it started."""
    for how in (signal.SIGTERM, signal.SIGKILL):
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, how)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(_GRACE)
    process.wait()
