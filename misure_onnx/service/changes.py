"""Wakes whoever waits for the database to change: one look for all of them, whoever made the change."""

import asyncio
import contextlib
import sqlite3

from misure_onnx.service.database import Database

_LOOK_SECONDS = 0.05


class Changes:
    """Watches the number that SQLite counts up with every commit of another connection.

    The connection that it holds also keeps the write-ahead log open, which would else be folded into the file whenever
    the last connection closes.

    Args:
        database: whose tables are there.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._changed = asyncio.Event()

    async def run(self) -> None:
        """Until it is cancelled."""
        with contextlib.closing(self._database.connect()) as connection:
            seen = _version(connection)
            while True:
                await asyncio.sleep(_LOOK_SECONDS)
                if (now := _version(connection)) != seen:
                    seen = now
                    self._changed.set()
                    self._changed = asyncio.Event()

    async def wait(self, seconds: float) -> bool:
        """Until something changed, or the time is over; whether something did."""
        try:
            await asyncio.wait_for(self._changed.wait(), seconds)
        except TimeoutError:
            return False
        return True


def _version(connection: sqlite3.Connection) -> int:
    return int(connection.execute("PRAGMA data_version").fetchone()[0])
