"""A job as it stands in the database."""

import json
import sqlite3
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

Kind = Literal["explanation", "prediction"]
State = Literal["queued", "running", "succeeded", "failed", "cancelled"]

ENDED: tuple[State, ...] = ("succeeded", "failed", "cancelled")
IMAGE = "image"
"""The uploaded file's name in the job's folder; the client's own name for it is never used."""


@dataclass(frozen=True)
class Job:
    """One row.

    Attributes:
        number: in the order of submission.
        id: the name by which its owner knows it.
        owner: SHA-256 of the API key that submitted it; empty without keys.
        kind, state: see there.
        request: what was asked, as validated.
        stage, done, total: how far it is.
        attempt: how often it was begun; every write of a worker names it.
        cancel: whether its owner wants it to end.
        error: {type, detail} of a failed job.
        created, started, finished: seconds since 1970.
    """

    number: int
    id: str
    owner: str
    kind: Kind
    state: State
    request: dict[str, Any]
    stage: str | None
    done: int | None
    total: int | None
    attempt: int
    cancel: bool
    error: dict[str, str] | None
    created: float
    started: float | None
    finished: float | None

    @classmethod
    def from_row(cls, row: sqlite3.Row) -> "Job":
        """A row of the table `job`."""
        error = None if row["error"] is None else json.loads(row["error"])
        same = ("number", "id", "owner", "kind", "state", "stage", "done", "total", "attempt", "created", "started")
        return cls(
            **{name: row[name] for name in same},
            request=json.loads(row["request"]),
            cancel=bool(row["cancel"]),
            error=error,
            finished=row["finished"],
        )

    @property
    def ended(self) -> bool:
        """Whether nothing more will happen to it."""
        return self.state in ENDED


class Folders:
    """Where the files of jobs lie: the image beside one folder an attempt.

    What an attempt wrote counts only once the database names that attempt as the one that succeeded, so that nothing
    has to be moved, and a worker that lost its lease can do no harm.

    Args:
        data: the service's folder.
    """

    def __init__(self, data: Path) -> None:
        self.root = data / "jobs"

    def of(self, job_id: str) -> Path:
        """All files of a job."""
        return self.root / job_id

    def image(self, job_id: str) -> Path:
        """The uploaded image."""
        return self.of(job_id) / IMAGE

    def attempt(self, job_id: str, attempt: int) -> Path:
        """What one attempt writes."""
        return self.of(job_id) / f"attempt-{attempt}"

    def result(self, job: Job) -> Path:
        """What the attempt that succeeded wrote."""
        return self.attempt(job.id, job.attempt)
