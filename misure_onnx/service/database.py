"""The one file that says which jobs there are: SQLite in WAL mode, which survives the death of any process."""

import contextlib
import sqlite3
from collections.abc import Iterator
from pathlib import Path

DATABASE = "jobs.sqlite3"
"""The file's name in the service's folder."""

_PATIENCE = 30.0
"""Seconds that a writer waits for another one; each holds the lock for milliseconds."""

_SCHEMA = """
CREATE TABLE IF NOT EXISTS job(
    number INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT UNIQUE NOT NULL, owner TEXT NOT NULL, kind TEXT NOT NULL,
    request TEXT NOT NULL, fingerprint TEXT NOT NULL, idempotency_key TEXT, state TEXT NOT NULL,
    stage TEXT, done INTEGER, total INTEGER, attempt INTEGER NOT NULL DEFAULT 0, deaths INTEGER NOT NULL DEFAULT 0,
    worker TEXT, lease REAL, cancel INTEGER NOT NULL DEFAULT 0, error TEXT,
    created REAL NOT NULL, started REAL, finished REAL,
    UNIQUE(owner, kind, idempotency_key));
CREATE INDEX IF NOT EXISTS job_state ON job(state, kind, number);
CREATE INDEX IF NOT EXISTS job_owner ON job(owner, kind, number);
CREATE INDEX IF NOT EXISTS job_turn ON job(owner, kind, started);
CREATE TABLE IF NOT EXISTS event(seq INTEGER PRIMARY KEY AUTOINCREMENT, job TEXT NOT NULL, kind TEXT NOT NULL, data TEXT NOT NULL);
CREATE INDEX IF NOT EXISTS event_job ON event(job, seq);
CREATE TABLE IF NOT EXISTS model(id TEXT PRIMARY KEY, described_as TEXT NOT NULL, description TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS worker(id TEXT PRIMARY KEY, device TEXT NOT NULL, ready INTEGER NOT NULL, beat REAL NOT NULL);
"""  # noqa: E501 - one line a table or index


class Database:
    """Connections to the file, kept for whoever asks next: safe from any thread.

    Args:
        path: is created where it does not exist.
        lasting: whether a commit waits for the disk, so that it outlives a power failure. Without, the last moments
            may be undone by one: what a worker did is then done again.
    """

    def __init__(self, path: Path, *, lasting: bool = True) -> None:
        self.path, self._lasting = path, lasting
        self._idle: list[sqlite3.Connection] = []

    def create(self) -> None:
        """Makes the tables that are missing."""
        with self.reading() as connection:
            connection.executescript(_SCHEMA)

    def close(self) -> None:
        """Closes the connections that nobody uses."""
        while self._idle:
            self._idle.pop().close()

    @contextlib.contextmanager
    def reading(self) -> Iterator[sqlite3.Connection]:
        """A connection in which every statement is a transaction of its own; nobody else has it meanwhile."""
        try:
            connection = self._idle.pop()
        except IndexError:
            connection = self._connect()
        try:
            yield connection
        except BaseException:
            connection.close()  # whatever state it is in
            raise
        self._idle.append(connection)

    @contextlib.contextmanager
    def writing(self) -> Iterator[sqlite3.Connection]:
        """One transaction, which nobody else's writes can come between; an error undoes all of it."""
        with self.reading() as connection:
            connection.execute("BEGIN IMMEDIATE")
            yield connection
            connection.execute("COMMIT")

    def _connect(self) -> sqlite3.Connection:
        connection = sqlite3.connect(self.path, timeout=_PATIENCE, isolation_level=None, check_same_thread=False)
        connection.row_factory = sqlite3.Row
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute(f"PRAGMA synchronous={'FULL' if self._lasting else 'NORMAL'}")
        return connection
