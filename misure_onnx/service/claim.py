"""Jobs as a worker sees them: one attempt, held by a lease, and every write naming the attempt."""

import json
import sqlite3
import threading
import time
from typing import Any

from misure_onnx.service.database import Database
from misure_onnx.service.events import record
from misure_onnx.service.job import Job, Kind, State

_TELL_SECONDS = 0.5
"""Progress is written so often at most, and where a stage begins or ends."""


class AttemptEnded(BaseException):
    """The attempt is to end now; no `Exception`, so that no code on the way takes it for a failure of its own."""


class Claim:
    """An attempt at a job; from claiming to its end.

    Args:
        database: of all jobs.
        job: as it was claimed.
        lease_seconds: by which `renew` prolongs.
    """

    def __init__(self, database: Database, job: Job, lease_seconds: float) -> None:
        self.database, self.job, self.begun = database, job, time.monotonic()
        self.cancel_wanted_since: float | None = None
        self._lease_seconds, self._lost = lease_seconds, threading.Event()
        self._told: tuple[str, float] = ("", 0.0)

    def renew(self) -> None:
        """A sign of life; notices whether the job was taken away, or is to be cancelled."""
        with self.database.writing() as connection:
            row = connection.execute(
                "UPDATE job SET lease = ? WHERE id = ? AND attempt = ? AND state = 'running' RETURNING cancel",
                (time.time() + self._lease_seconds, self.job.id, self.job.attempt),
            ).fetchone()
        self._notice(row)

    def tell(self, stage: str, done: int, total: int) -> None:
        """How far the work is; to be called between batches, as a method's progress.

        Raises:
            AttemptEnded: the job was cancelled, or belongs to another attempt by now.
        """
        self.check()
        now = time.monotonic()
        if stage == self._told[0] and done < total and now < self._told[1] + _TELL_SECONDS:
            return
        self._told = (stage, now)
        with self.database.writing() as connection:
            row = connection.execute(
                "UPDATE job SET stage = ?, done = ?, total = ?, lease = ? "
                "WHERE id = ? AND attempt = ? AND state = 'running' RETURNING cancel",
                (stage, done, total, time.time() + self._lease_seconds, self.job.id, self.job.attempt),
            ).fetchone()
            if row is not None:
                told = {"stage": stage, "done": done, "total": total, "attempt": self.job.attempt}
                record(connection, self.job.id, "progress", told)
        self._notice(row)
        self.check()

    def check(self) -> None:
        """Whether the work is still wanted.

        Raises:
            AttemptEnded: it is not.
        """
        if self._lost.is_set() or self.cancel_wanted_since is not None:
            raise AttemptEnded

    def end(self, state: State, error: dict[str, str] | None = None) -> bool:
        """The last write of the attempt; False where the job was another attempt's by then, and nothing was written."""
        with self.database.writing() as connection:
            ended = connection.execute(
                "UPDATE job SET state = ?, error = ?, finished = ?, worker = NULL, lease = NULL "
                "WHERE id = ? AND attempt = ? AND state = 'running'",
                (state, None if error is None else json.dumps(error), time.time(), self.job.id, self.job.attempt),
            ).rowcount
            if ended:
                told: dict[str, Any] = {"state": state, "attempt": self.job.attempt}
                record(connection, self.job.id, "state", told | ({} if error is None else {"error": error}))
        return bool(ended)

    def _notice(self, row: sqlite3.Row | None) -> None:
        if row is None:
            self._lost.set()
        elif row["cancel"] and self.cancel_wanted_since is None:
            self.cancel_wanted_since = time.monotonic()


def claim_next(database: Database, kind: Kind, worker: str, lease_seconds: float) -> Claim | None:
    """A waiting job of a kind, now this worker's, or None. Owners take turns, each with its oldest."""
    with database.reading() as connection:  # a look does not take the writers' lock
        if connection.execute("SELECT 1 FROM job WHERE state = 'queued' AND kind = ?", (kind,)).fetchone() is None:
            return None
    now = time.time()
    with database.writing() as connection:
        row = connection.execute(
            "UPDATE job SET state = 'running', attempt = attempt + 1, worker = ?, lease = ?, "
            "started = coalesce(started, ?) WHERE number = (SELECT number FROM job AS waiting WHERE state = 'queued' "
            "AND kind = ? ORDER BY (SELECT coalesce(max(started), 0) FROM job WHERE owner = waiting.owner AND "
            "kind = waiting.kind), number LIMIT 1) RETURNING *",
            (worker, now + lease_seconds, now, kind),
        ).fetchone()
        if row is None:
            return None
        record(connection, row["id"], "state", {"state": "running", "attempt": row["attempt"]})
    return Claim(database, Job.from_row(row), lease_seconds)
