"""Wakes whoever waits for the database to change: one look for all of them, whoever made the change."""

import asyncio
import contextlib
import logging
import sqlite3

from misure_onnx.service.database import Database

_LOOK_SECONDS, _PAUSE_SECONDS = 0.1, 1.0
_log = logging.getLogger("misure_onnx.service")


class Changes:
    """Watches the number that SQLite counts up with every commit of another connection.

    Attributes:
        count: of the changes so far; to be read *before* the database is, so that no change falls between the two.
    """

    def __init__(self, database: Database) -> None:
        self.count = 0
        self._database = database
        self._changed = asyncio.Event()

    async def run(self) -> None:
        """Until it is cancelled."""
        while True:
            try:
                await self._watch()
            except sqlite3.Error:
                _log.exception("the database cannot be read")
                await asyncio.sleep(_PAUSE_SECONDS)

    async def after(self, count: int, seconds: float) -> None:
        """Until there are more changes than `count`, or the time is over."""
        if self.count == count:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._changed.wait(), seconds)

    async def _watch(self) -> None:
        with self._database.reading() as connection:
            seen = -1
            while True:
                (now,) = connection.execute("PRAGMA data_version").fetchone()
                if now != seen:
                    seen, self.count = now, self.count + 1
                    self._changed.set()
                    self._changed = asyncio.Event()
                await asyncio.sleep(_LOOK_SECONDS)
