"""The workers of a service: started, watched, replaced when they die, stopped when the server stops."""

import asyncio
import contextlib
import logging
import os
import secrets
import sqlite3
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import IO

from misure_onnx.audit.engines.threads import thread_variables
from misure_onnx.processors import usable_cores
from misure_onnx.service.job_queue import JobQueue
from misure_onnx.service.registry import ModelEntry
from misure_onnx.service.settings import ServiceSettings
from misure_onnx.service.worker import Order

_LOOK_SECONDS, _LEASE_SECONDS, _TIDY_SECONDS = 0.5, 2.0, 60.0
_GRACE_SECONDS = 20.0
"""For the job in hand when the server stops; what is not done by then waits for the next server."""

_FASTEST_RESTART, _SLOWEST_RESTART = 0.2, 10.0
_PACKAGES = str(Path(__file__).resolve().parents[2])
"""A worker runs the server's own package, and nothing that lies in the folder where the server was started."""

_log = logging.getLogger("misure_onnx.service")


class Crew:
    """One worker process a device.

    Processes are started by the thread that runs the event loop and by no other: Linux ends a process that asked to
    die with its parent when the *thread* that made it ends.

    Args:
        settings: of the service.
        registry: its models.
        queue: its jobs.
    """

    def __init__(self, settings: ServiceSettings, registry: Mapping[str, ModelEntry], queue: JobQueue) -> None:
        self.queue, self.settings = queue, settings
        on_cpu = sum(not device.startswith("cuda") for device in settings.devices)
        threads = max(1, usable_cores() // max(1, on_cpu))
        self._members = [_Member(device, threads, settings, registry) for device in settings.devices]
        self.restarts, self._tidied, self._leases_checked = 0, -_TIDY_SECONDS, 0.0

    async def run(self) -> None:
        """Until it is cancelled."""
        while True:
            try:
                await self._look()
            except (OSError, sqlite3.Error):
                _log.exception("the workers cannot be looked after")
            await asyncio.sleep(_LOOK_SECONDS)

    async def _look(self) -> None:
        for member in self._members:
            if (dead := member.ended()) is not None:
                self.restarts += 1
                await asyncio.to_thread(self.queue.put_back, dead)
            if member.start_if_due():
                await asyncio.to_thread(member.instruct)
        if time.monotonic() > self._tidied + _TIDY_SECONDS:
            self._tidied = time.monotonic()
            await asyncio.to_thread(self.queue.remove_old, self.settings.limits.keep_hours * 3600)
        if time.monotonic() > self._leases_checked + _LEASE_SECONDS:
            self._leases_checked = time.monotonic()
            await asyncio.to_thread(self.queue.put_back)

    async def stop(self) -> None:
        """Lets the workers finish what they have in hand, for a while; what is left waits again."""
        for member in self._members:
            member.ask_to_end()
        await asyncio.gather(*(asyncio.to_thread(member.wait, _GRACE_SECONDS) for member in self._members))
        for member in self._members:
            member.kill()
        self.queue.put_back_all()

    @property
    def pids(self) -> list[int]:
        """Of the workers that live."""
        return [member.pid for member in self._members if member.pid is not None]


class _Member:
    """The place of one worker, and the process that fills it."""

    def __init__(
        self, device: str, threads: int, settings: ServiceSettings, registry: Mapping[str, ModelEntry]
    ) -> None:
        self._device, self._threads, self._settings, self._registry = device, threads, settings, dict(registry)
        self._process: subprocess.Popen[bytes] | None = None
        self._id, self._started, self._pause = "", 0.0, 0.0

    @property
    def pid(self) -> int | None:
        """Of the process, while it lives."""
        return self._process.pid if self._process is not None and self._process.poll() is None else None

    def start_if_due(self) -> bool:
        """Starts a process where there is none; one that dies at once is started more and more slowly."""
        if self._process is not None or time.monotonic() < self._started + self._pause:
            return False
        self._id, self._started = secrets.token_hex(8), time.monotonic()
        _, _, number = self._device.partition(":")
        path = os.pathsep.join([_PACKAGES, *filter(None, [os.environ.get("PYTHONPATH")])])
        environment = {**os.environ, **thread_variables(self._threads), "PYTHONPATH": path}
        if number:
            environment["CUDA_VISIBLE_DEVICES"] = number
        self._process = subprocess.Popen(
            [sys.executable, "-P", "-m", "misure_onnx.service.worker"], stdin=subprocess.PIPE, env=environment
        )
        return True

    def instruct(self) -> None:
        """Tells a new process what to do; waits until it reads."""
        provider = self._device.partition(":")[0]
        order = Order(self._id, self._device, provider, self._threads, self._settings, self._registry)
        with contextlib.suppress(OSError):  # that it died at once is noticed with the next look
            self._input().write(order.to_json().encode() + b"\n")
            self._input().flush()

    def ended(self) -> str | None:
        """The id of a worker that died since the last look."""
        if self._process is None or self._process.poll() is None:
            return None
        _log.warning("worker %s on %s ended with status %s", self._id, self._device, self._process.returncode)
        lived = time.monotonic() - self._started
        self._pause = _FASTEST_RESTART if lived > _SLOWEST_RESTART else min(_SLOWEST_RESTART, 2 * self._pause + 0.2)
        self._close()
        return self._id

    def ask_to_end(self) -> None:
        """When its job is done."""
        if self._process is not None:
            self._process.terminate()

    def wait(self, seconds: float) -> None:
        """Until it has ended, or the time is over."""
        if self._process is not None:
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(seconds)

    def kill(self) -> None:
        """Now."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._close()

    def _input(self) -> IO[bytes]:
        if self._process is None or self._process.stdin is None:
            raise OSError("the worker has no input")
        return self._process.stdin

    def _close(self) -> None:
        with contextlib.suppress(OSError):
            self._input().close()
        self._process = None
