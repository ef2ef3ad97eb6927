"""One worker in this very process: for a debugger, for notebooks, and where a second process may not be started."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from misure_onnx.audit.engines.crew import Staff

if TYPE_CHECKING:
    from misure_onnx.audit.worker import Done, Job


class InlineCrew:
    """The calling process, with all the threads it may use."""

    size = 1
    attempts = 1

    def __init__(self, staff: Staff) -> None:
        from misure_onnx.audit.worker import Worker  # noqa: PLC0415 - this file is read by light processes too

        self._worker = Worker(staff.settings, staff.out)
        self._jobs: list[Job] = []

    def submit(self, job: "Job") -> None:
        """As `Crew.submit`."""
        self._jobs.append(job)

    def wait(self) -> "Sequence[tuple[Job, Done | None]]":
        """As `Crew.wait`."""
        job = self._jobs.pop()
        return [(job, self._worker.work(job))]

    def close(self) -> None:
        """As `Crew.close`."""
        self._jobs.clear()
