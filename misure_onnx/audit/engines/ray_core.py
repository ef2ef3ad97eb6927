"""Workers as actors of Ray: on one machine or on a cluster whose machines see the same files.

Ray's own data sets would be shorter, but wait for ever where every processor is taken by an actor, and write all
results at the end; actors with one shard a file survive the death of a worker and of the driver.
"""

import os
import socket
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from misure_onnx.audit.engines.crew import Staff
from misure_onnx.audit.engines.threads import thread_variables
from misure_onnx.errors import MisureError
from misure_onnx.processors import usable_cores

if TYPE_CHECKING:
    from misure_onnx.audit.worker import Done, Job

_RETRIES = 2
"""Ray hands an image out again by itself, so often, where its actor died."""

_LOOPBACK = "127.0.0.1"
_KNOCK = 5.0
"""Seconds."""

_OBJECT_STORE = 100 * 2**20
"""Bytes of a Ray that is started here: no pictures pass through it."""

_LATE = "timed out during startup"
"""What Ray says then."""

_STARTS = 3
"""How often a Ray is started here: it grants its own processes 30 s and has no setting for it, too little on a busy
machine."""


class RayCrew:
    """Actors of Ray.

    Raises:
        MisureError: Ray is not installed, or there is none at the address.
    """

    attempts = 1

    def __init__(self, staff: Staff) -> None:
        self._ray = _connected(staff)
        from misure_onnx.audit.worker import Worker  # noqa: PLC0415 - after Ray was found

        actor = self._ray.remote(
            num_cpus=staff.threads, num_gpus=staff.gpus, max_restarts=-1, max_task_retries=_RETRIES
        )(Worker)
        environment = {"env_vars": thread_variables(staff.threads)}
        self.size = staff.workers
        self._free: list[Any] = [
            actor.options(runtime_env=environment).remote(staff.settings, staff.out) for _ in range(staff.workers)
        ]
        self._busy: dict[Any, tuple[Any, Job]] = {}

    def submit(self, job: "Job") -> None:
        """As `Crew.submit`."""
        actor = self._free.pop()
        self._busy[actor.work.remote(job)] = (actor, job)

    def wait(self) -> "Sequence[tuple[Job, Done | None]]":
        """As `Crew.wait`."""
        ready, _ = self._ray.wait(list(self._busy), num_returns=1)
        return [self._ended(answer) for answer in ready]

    def close(self) -> None:
        """As `Crew.close`."""
        for actor in [*self._free, *(actor for actor, _ in self._busy.values())]:
            self._ray.kill(actor)
        self._free, self._busy = [], {}
        self._ray.shutdown()

    def _ended(self, answer: Any) -> "tuple[Job, Done | None]":
        actor, job = self._busy.pop(answer)
        self._free.append(actor)
        try:
            done: Done = self._ray.get(answer)
        except self._ray.exceptions.RayTaskError as error:
            cause = error.cause
            raise cause if isinstance(cause, MisureError) else MisureError(f"a worker failed: {cause}") from error
        except self._ray.exceptions.RayActorError as error:
            if "The actor died because of an error raised in its creation task" in str(error):
                raise MisureError(f"a worker could not start: {_last_line(str(error))}") from error
            return job, None
        return job, done


def _last_line(text: str) -> str:
    return text.strip().splitlines()[-1]


def _connected(staff: Staff) -> Any:
    """The module `ray`, connected."""
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    os.environ.setdefault("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "0")  # else it warns about how it hides GPUs
    os.environ.setdefault("RAY_worker_niceness", "0")  # 15 by itself: on a busy machine its workers would starve
    try:
        import ray  # noqa: PLC0415 - an extra
    except ImportError as error:
        raise MisureError("--engine ray needs Ray: pip install 'misure-onnx[ray]'") from error
    address = staff.address or os.environ.get("RAY_ADDRESS")
    quiet: dict[str, Any] = {"log_to_driver": False, "logging_level": "ERROR"}
    try:
        if address:
            ray.init(address=address, **_place_of(address), **quiet)
        else:
            start_here(ray, staff.workers * staff.threads, **quiet)
    except (ConnectionError, RuntimeError, ValueError) as error:
        raise MisureError(
            f"no Ray answers at {address!r}: {error} (a Ray that asks for a token needs RAY_AUTH_MODE=token and "
            "RAY_AUTH_TOKEN=... here too)"
            if address
            else f"Ray could not be started here: {error}"
        ) from error
    return ray


def start_here(ray: Any, processors: int, **options: Any) -> None:
    """Start a Ray on this machine and connect to it.

    Args:
        ray: the module.
        processors: that the actors take, at least.
        options: of `ray.init`.

    Raises:
        RuntimeError: its processes did not answer in time, `_STARTS` times.
    """
    for _ in range(_STARTS):
        try:
            ray.init(
                address="local",  # else Ray looks for one that runs, or ran, on this machine
                num_cpus=max(usable_cores(), processors),
                include_dashboard=False,
                object_store_memory=_OBJECT_STORE,
                _node_ip_address=_LOOPBACK,
                **options,
            )
        except Exception as error:
            if _LATE not in str(error):  # Ray has no class of its own for it
                raise
        else:
            return
    raise RuntimeError(
        f"its processes did not answer within 30 s, {_STARTS} times; the machine is too busy: try again, use "
        "--engine local, or start one with ray start --head and pass --ray-address"
    )


def _place_of(address: str) -> dict[str, Any]:
    """What Ray must be told of the address; Ray itself would knock for minutes where nobody answers.

    Raises:
        MisureError: nobody answers.
    """
    host, _, port = address.rpartition(":")
    if not host or "//" in address or not port.isdecimal():
        return {}  # "auto", or an address with a scheme: Ray's own
    try:
        socket.create_connection((host, int(port)), timeout=_KNOCK).close()
    except OSError as error:
        raise MisureError(f"no Ray answers at {address!r}: {error}; ray start --head starts one") from error
    return {"_node_ip_address": _LOOPBACK} if host in (_LOOPBACK, "localhost") else {}
