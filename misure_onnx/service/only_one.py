"""One server at a time for a folder of data."""

import contextlib
from collections.abc import Iterator
from pathlib import Path

from misure_onnx.directory_lock import HeldError, held
from misure_onnx.errors import InputError


@contextlib.contextmanager
def only_one(data: Path) -> Iterator[None]:
    """Holds the folder until the block, or the process, ends.

    Raises:
        InputError: another server holds it, or its disk has no locks.
    """
    with contextlib.ExitStack() as stack:
        try:
            stack.enter_context(held(data, wait=False, needed=True))
        except HeldError as error:
            raise InputError(
                f"another service works in {str(data)!r}, or locks do not work there: give this one a folder of its own"
            ) from error
        yield
