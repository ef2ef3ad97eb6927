"""`misure serve` in a process of its own, as an operator starts it, and killed as hard as a machine can."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx2

from tests.service.examples import PATIENCE


class Server:
    """One server on a folder of data.

    Args:
        data: its folder.
        options: of `misure serve`.
    """

    def __init__(self, data: Path, *options: str) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = int(free.getsockname()[1])
        command = [sys.executable, "-m", "misure_onnx.cli", "serve", "--data", str(data), "--port", str(self.port)]
        self.log = data.with_suffix(f".{self.port}.log")
        with self.log.open("wb") as sink:
            self.process = subprocess.Popen([*command, *options], stdout=sink, stderr=sink)
        self.client = httpx2.Client(base_url=f"http://127.0.0.1:{self.port}", timeout=PATIENCE)
        self._wait()

    def _wait(self) -> None:
        give_up = time.monotonic() + PATIENCE
        while time.monotonic() < give_up and self.process.poll() is None:
            try:
                if self.client.get("/health/ready").status_code == 200:
                    return
            except httpx2.TransportError:
                pass
            time.sleep(0.1)
        raise AssertionError(f"the server did not become ready:\n{self.log.read_text()}")

    @property
    def worker(self) -> int:
        """The process that computes."""
        children = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text().split()
        (worker,) = [pid for pid in map(int, children) if b"service.worker" in _command_line(pid)]
        return worker

    def kill(self) -> None:
        """Kill -9."""
        self.process.kill()
        self.process.wait()
        self.client.close()

    def stop(self) -> int:
        """SIGTERM; the exit status."""
        self.process.send_signal(signal.SIGTERM)
        status = self.process.wait(PATIENCE)
        self.client.close()
        return status


@contextmanager
def server(data: Path, *options: str) -> Iterator[Server]:
    """A server that is gone when the block ends, however it ends."""
    one = Server(data, *options)
    try:
        yield one
    finally:
        if one.process.poll() is None:
            one.stop()


def lives(pid: int) -> bool:
    """Whether a process is there, and no corpse."""
    try:
        return ") Z " not in Path(f"/proc/{pid}/stat").read_text()
    except FileNotFoundError:
        return False


def kill(pid: int) -> None:
    """Kill -9 of a single process."""
    os.kill(pid, signal.SIGKILL)


def _command_line(pid: int) -> bytes:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    except FileNotFoundError:
        return b""
