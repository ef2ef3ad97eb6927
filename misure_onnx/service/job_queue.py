"""Jobs as the server sees them: submitted, looked at, cancelled, put back when a worker died, removed when old."""

import json
import secrets
import shutil
import sqlite3
import time
from dataclasses import dataclass
from typing import Any

from misure_onnx.files import write_through
from misure_onnx.service.database import Database
from misure_onnx.service.events import record
from misure_onnx.service.job import ENDED, Folders, Job, Kind

MOST_DEATHS = 3
"""A job in whose hands so many workers died is given up."""

_ENDED = "state IN ('succeeded', 'failed', 'cancelled')"
_GIVEN_UP = f"{MOST_DEATHS} workers died on this job (out of memory?); it was given up"


class QueueFull(Exception):  # noqa: N818 - reads as what it is
    """As many jobs wait or run as the operator allows."""


class KeyReused(Exception):  # noqa: N818 - reads as what it is
    """An idempotency key came again with another request."""


@dataclass(frozen=True)
class Submission:
    """A request that was found valid.

    Attributes:
        owner, kind, request: see `Job`.
        image: the uploaded bytes.
        fingerprint: equal for equal requests.
        idempotency_key: chosen by the client; None: every request is a job of its own.
    """

    owner: str
    kind: Kind
    request: dict[str, Any]
    image: bytes
    fingerprint: str
    idempotency_key: str | None = None


class JobQueue:
    """All jobs.

    Args:
        database: whose tables are there.
        folders: of the jobs' files.
        most_waiting: jobs that may wait or run.
    """

    def __init__(self, database: Database, folders: Folders, most_waiting: int) -> None:
        self.database, self.folders, self._most_waiting = database, folders, most_waiting

    def submit(self, wanted: Submission) -> Job:
        """A new job, or the one that the same idempotency key made before.

        Its image is on the disk before the database knows of it: an accepted job can be done.

        Raises:
            QueueFull, KeyReused: see there.
        """
        job_id = secrets.token_hex(16)
        image = self.folders.image(job_id)
        image.parent.mkdir(parents=True)
        write_through(image, wanted.image)
        try:
            job = self._submitted(job_id, wanted)
        except BaseException:
            shutil.rmtree(image.parent, ignore_errors=True)
            raise
        if job.id != job_id:
            shutil.rmtree(image.parent, ignore_errors=True)
        return job

    def _submitted(self, job_id: str, wanted: Submission) -> Job:
        with self.database.writing() as connection:
            earlier = connection.execute(
                "SELECT * FROM job WHERE owner = ? AND kind = ? AND idempotency_key = ?",
                (wanted.owner, wanted.kind, wanted.idempotency_key),
            ).fetchone()
            if earlier is not None:
                if earlier["fingerprint"] != wanted.fingerprint:
                    raise KeyReused
                return Job.from_row(earlier)
            if self._waiting(connection) >= self._most_waiting:
                raise QueueFull
            row = connection.execute(
                "INSERT INTO job(id, owner, kind, request, fingerprint, idempotency_key, state, created) "
                "VALUES (?, ?, ?, ?, ?, ?, 'queued', ?) RETURNING *",
                (job_id, wanted.owner, wanted.kind, json.dumps(wanted.request), wanted.fingerprint,
                 wanted.idempotency_key, time.time()),
            ).fetchone()  # fmt: skip
            record(connection, job_id, "state", {"state": "queued"})
            return Job.from_row(row)

    def _waiting(self, connection: sqlite3.Connection) -> int:
        return int(connection.execute("SELECT count(*) FROM job WHERE state IN ('queued', 'running')").fetchone()[0])

    def find(self, job_id: str, owner: str, kind: Kind) -> Job | None:
        """A job of this owner; None: there is none, or it is another's."""
        with self.database.reading() as connection:
            row = connection.execute(
                "SELECT * FROM job WHERE id = ? AND owner = ? AND kind = ?", (job_id, owner, kind)
            ).fetchone()
        return None if row is None else Job.from_row(row)

    def listed(self, owner: str, kind: Kind, before: int | None, limit: int) -> list[Job]:
        """The owner's jobs, the newest first; those with a number below `before`."""
        with self.database.reading() as connection:
            rows = connection.execute(
                "SELECT * FROM job WHERE owner = ? AND kind = ? AND number < ? ORDER BY number DESC LIMIT ?",
                (owner, kind, before or 2**62, limit),
            ).fetchall()
        return [Job.from_row(row) for row in rows]

    def cancel(self, job: Job) -> None:
        """Ends a waiting job, and asks the worker of a running one to end it."""
        with self.database.writing() as connection:
            waiting = connection.execute(
                "UPDATE job SET state = 'cancelled', finished = ? WHERE id = ? AND state = 'queued'",
                (time.time(), job.id),
            ).rowcount
            if waiting:
                record(connection, job.id, "state", {"state": "cancelled"})
            else:
                connection.execute("UPDATE job SET cancel = 1 WHERE id = ? AND state = 'running'", (job.id,))

    def remove(self, job: Job) -> bool:
        """Removes an ended job with all its files; whether it was there, and ended."""
        with self.database.writing() as connection:
            removed = connection.execute(f"DELETE FROM job WHERE id = ? AND {_ENDED}", (job.id,)).rowcount  # noqa: S608 - our own text
            if removed:
                connection.execute("DELETE FROM event WHERE job = ?", (job.id,))
        if removed:
            shutil.rmtree(self.folders.of(job.id), ignore_errors=True)
        return bool(removed)

    def put_back(self, worker: str | None = None) -> None:
        """Running jobs wait again: those of a worker that died, or, with None, those whose lease is over.

        The server lives, so that the job may be the reason: that is counted.
        """
        chosen = ("worker = ?", worker) if worker is not None else ("lease < ?", time.time())
        with self.database.writing() as connection:
            connection.execute("DELETE FROM worker WHERE id = ?", (worker,))
            rows = connection.execute(
                f"UPDATE job SET deaths = deaths + 1 WHERE state = 'running' AND {chosen[0]} RETURNING *",  # noqa: S608 - our own text
                (chosen[1],),
            ).fetchall()
            for row in rows:
                _put_back_one(connection, row)

    def put_back_all(self) -> None:
        """When the server starts, no worker is left: what ran waits again, and nobody is blamed."""
        with self.database.writing() as connection:
            connection.execute("DELETE FROM worker")
            for row in connection.execute("SELECT * FROM job WHERE state = 'running'").fetchall():
                _put_back_one(connection, row)

    def remove_old(self, keep_seconds: float) -> int:
        """Removes jobs that ended so long ago, and says how many."""
        with self.database.reading() as connection:
            rows = connection.execute(
                f"SELECT * FROM job WHERE {_ENDED} AND finished < ?", (time.time() - keep_seconds,)  # noqa: S608 - our own text
            ).fetchall()  # fmt: skip
        return sum(self.remove(Job.from_row(row)) for row in rows)

    def remove_strays(self) -> None:
        """Removes folders of no job, which a killed server may have left; only before requests are taken."""
        with self.database.reading() as connection:
            known = {row[0] for row in connection.execute("SELECT id FROM job")}
        self.folders.root.mkdir(parents=True, exist_ok=True)
        for folder in self.folders.root.iterdir():
            if folder.name not in known:
                shutil.rmtree(folder, ignore_errors=True)

    def counts(self) -> dict[tuple[str, str], int]:
        """Jobs by kind and state."""
        with self.database.reading() as connection:
            rows = connection.execute("SELECT kind, state, count(*) FROM job GROUP BY kind, state").fetchall()
        return {(kind, state): count for kind, state, count in rows}


def _put_back_one(connection: sqlite3.Connection, row: sqlite3.Row) -> None:
    """One running job waits again, or ends: cancelled, or given up."""
    state, error = "queued", None
    if row["cancel"]:
        state = "cancelled"
    elif row["deaths"] >= MOST_DEATHS:
        state, error = "failed", json.dumps({"type": "WorkerDied", "detail": _GIVEN_UP})
    finished = time.time() if state in ENDED else None
    connection.execute(
        "UPDATE job SET state = ?, error = ?, finished = ?, worker = NULL, lease = NULL, stage = NULL, done = NULL, "
        "total = NULL WHERE id = ?",
        (state, error, finished, row["id"]),
    )
    record(connection, row["id"], "state", {"state": state, "attempt": row["attempt"]})
