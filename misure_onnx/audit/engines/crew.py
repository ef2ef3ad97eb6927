"""Handing images to workers, whatever they are: one at a time, again where a worker died."""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from misure_onnx.errors import MisureError

if TYPE_CHECKING:  # a worker's process sets its threads before anything heavy is imported
    from misure_onnx.audit.settings import AuditSettings
    from misure_onnx.audit.worker import Done, Job


@dataclass(frozen=True)
class Staff:
    """Who works on an audit.

    Attributes:
        settings: of the audit.
        out: its folder, as every worker reaches it.
        workers: how many.
        threads: processors each of them uses.
        gpus: GPUs (or a share of one) each of them gets; with Ray only.
        address: of a running Ray; None: the one in RAY_ADDRESS, else one is started here.
    """

    settings: "AuditSettings"
    out: Path
    workers: int
    threads: int
    gpus: float = 0.0
    address: str | None = None


class Crew(Protocol):
    """Workers that take one image each."""

    size: int
    """How many images may be in work at the same time."""

    attempts: int
    """How often an image is handed out before it is given up, as far as the crew does not try again by itself."""

    def submit(self, job: "Job") -> None:
        """Hands an image to a free worker; there is one."""

    def wait(self) -> "Sequence[tuple[Job, Done | None]]":
        """Waits for one image or more; None: its worker died.

        Raises:
            MisureError: a worker cannot work at all (no model, a full disk).
        """

    def close(self) -> None:
        """Ends all workers."""


def dispatch(crew: Crew, jobs: "Iterable[Job]") -> "Iterator[Done]":
    """Works on all images, in whatever order they end.

    An image whose worker died is handed out again; one that keeps killing its workers gets rows that say so.

    Raises:
        MisureError: as `Crew.wait`, or workers die even without work.
    """
    queue, again, deaths, busy = iter(jobs), list["Job"](), Counter[int](), 0
    while True:
        while busy < crew.size and (job := again.pop() if again else next(queue, None)) is not None:
            crew.submit(job)
            busy += 1
        if not busy:
            return
        for job, done in crew.wait():
            busy -= 1
            if done is None:
                deaths[job.index] += 1
                again.append(_next_attempt(job, deaths[job.index], crew.attempts))
            else:
                yield done


def _next_attempt(job: "Job", deaths: int, attempts: int) -> "Job":
    if job.fatal is not None:
        raise MisureError(
            f"workers die even when they only write down that image {job.sample.name!r} failed: is there too little "
            'memory, or does a script start the audit outside of `if __name__ == "__main__":`? (engine inline can)'
        )
    if deaths < attempts:
        return job
    return replace(job, fatal="every worker that took this image died (out of memory?); it was given up")
