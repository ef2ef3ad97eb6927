"""Workers as processes of this machine.

They are spawned, never forked: a forked process inherits the threads' locks of ONNX Runtime, but not the threads. A
process that dies costs the image that it had, and is replaced. This file imports nothing heavy, since a worker's
process reads it before its threads are limited.
"""

import contextlib
import multiprocessing
import os
import signal
import threading
from collections.abc import Sequence
from multiprocessing import connection
from multiprocessing.process import BaseProcess
from typing import TYPE_CHECKING, Any

from misure_onnx.audit.engines.crew import Staff
from misure_onnx.audit.engines.threads import thread_variables
from misure_onnx.errors import MisureError, ParameterError

if TYPE_CHECKING:
    from misure_onnx.audit.worker import Done, Job

_PATIENCE = 5.0
"""Seconds that a worker has to end by itself."""


class LocalCrew:
    """Processes of this machine.

    Raises:
        ParameterError: a share of a GPU or an address, which only Ray knows.
    """

    attempts = 3

    def __init__(self, staff: Staff) -> None:
        if staff.gpus or staff.address:
            raise ParameterError("GPUs a worker and an address are for --engine ray")
        self._staff = staff
        self.size = staff.workers
        self._free = [_Member(staff) for _ in range(staff.workers)]
        self._busy: dict[_Member, Job] = {}

    def submit(self, job: "Job") -> None:
        """As `Crew.submit`."""
        member = self._free.pop()
        self._busy[member] = job
        member.send(job)

    def wait(self) -> "Sequence[tuple[Job, Done | None]]":
        """As `Crew.wait`."""
        by_pipe = {member.pipe: member for member in self._busy}
        return [self._ended(by_pipe[pipe]) for pipe in connection.wait(list(by_pipe))]  # type: ignore[index]

    def close(self) -> None:
        """As `Crew.close`."""
        for member in [*self._free, *self._busy]:
            member.end()
        self._free, self._busy = [], {}

    def _ended(self, member: "_Member") -> "tuple[Job, Done | None]":
        job = self._busy.pop(member)
        answer = member.receive()
        if answer is None:
            member.end()
            self._free.append(_Member(self._staff))
        elif isinstance(answer, BaseException):
            self._free.append(member)
            raise answer
        else:
            self._free.append(member)
        return job, answer


class _Member:
    """A worker's process and the pipe to it."""

    def __init__(self, staff: Staff) -> None:
        context = multiprocessing.get_context("spawn")
        self.pipe, theirs = context.Pipe()
        self._process: BaseProcess = context.Process(target=_serve, args=(theirs, staff.threads), daemon=True)
        self._process.start()
        theirs.close()
        self.send((staff.settings, staff.out))

    def send(self, message: Any) -> None:
        """To a dead process too: that it died is noticed when its answer is awaited."""
        with contextlib.suppress(OSError):
            self.pipe.send(message)

    def receive(self) -> Any:
        """Its answer; None where it died."""
        try:
            return self.pipe.recv()
        except (EOFError, OSError):
            return None

    def end(self) -> None:
        """A worker without a pipe ends by itself; one in the middle of an image is stopped."""
        self.pipe.close()
        self._process.terminate()
        self._process.join(_PATIENCE)
        if self._process.is_alive():
            self._process.kill()
            self._process.join()


def _serve(pipe: "connection.Connection[Any, Any]", threads: int) -> None:
    """The life of a worker's process: settings first, then one image after the other, until the pipe is closed."""
    os.environ.update(thread_variables(threads))
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches the whole group; the parent decides
    threading.Thread(target=_end_with_parent, daemon=True).start()
    try:
        settings, out = pipe.recv()
        worker, refused = None, None
        try:
            worker = _worker(settings, out, threads)
        except Exception as error:  # noqa: BLE001 - raised again by the parent
            refused = _portable(error)
        while True:
            job = pipe.recv()
            try:
                answer: Any = refused if worker is None else worker.work(job)
            except Exception as error:  # noqa: BLE001 - raised again by the parent
                answer = _portable(error)
            pipe.send(answer)
    except (EOFError, OSError):
        return


def _worker(settings: Any, out: Any, threads: int) -> Any:
    import cv2  # noqa: PLC0415 - after the threads were limited

    from misure_onnx.audit.worker import Worker  # noqa: PLC0415 - after the threads were limited

    cv2.setNumThreads(threads)
    return Worker(settings, out)


def _portable(error: Exception) -> Exception:
    """An error that can be sent: our own as it is, any other as its text."""
    return error if isinstance(error, MisureError) else RuntimeError(f"{type(error).__name__}: {error}")


def _end_with_parent() -> None:
    """A worker whose parent was killed would go on with nobody to hand its answer to."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        connection.wait([parent.sentinel])
        os._exit(1)
