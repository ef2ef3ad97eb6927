"""What happened to a job, numbered, so that a listener that was cut off can ask for the rest."""

import json
import sqlite3
from dataclasses import dataclass
from typing import Any, Literal

from misure_onnx.service.database import Database

EventKind = Literal["state", "progress"]


@dataclass(frozen=True)
class Event:
    """One event.

    Attributes:
        seq: larger for later ones, of all jobs together.
        job: id.
        kind: see there.
        data: JSON.
    """

    seq: int
    job: str
    kind: EventKind
    data: str


def record(connection: sqlite3.Connection, job: str, kind: EventKind, data: dict[str, Any]) -> None:
    """Adds one, in the transaction of the change that it speaks of."""
    connection.execute("INSERT INTO event(job, kind, data) VALUES (?, ?, ?)", (job, kind, json.dumps(data)))


def events_of(database: Database, job: str, after: int) -> list[Event]:
    """Those of a job with larger numbers, in order."""
    with database.reading() as connection:
        rows = connection.execute(
            "SELECT seq, job, kind, data FROM event WHERE job = ? AND seq > ? ORDER BY seq", (job, after)
        )
        return [Event(*row) for row in rows]


def newest(database: Database) -> int:
    """The largest number so far."""
    with database.reading() as connection:
        return int(connection.execute("SELECT coalesce(max(seq), 0) FROM event").fetchone()[0])
