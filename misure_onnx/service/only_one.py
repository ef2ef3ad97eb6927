"""One server at a time for a folder of data."""

import contextlib
import fcntl
from collections.abc import Iterator
from pathlib import Path

from misure_onnx.errors import InputError


@contextlib.contextmanager
def only_one(data: Path) -> Iterator[None]:
    """Holds the folder until the block, or the process, ends.

    Raises:
        InputError: another server holds it.
    """
    with (data / "lock").open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise InputError(f"another service works in {str(data)!r}: give this one a folder of its own") from error
        yield
