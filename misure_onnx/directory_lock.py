"""One process at a time in a directory. The lock is the kernel's: it ends with its process, however that ends."""

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None  # type: ignore[assignment]


class HeldError(Exception):
    """Another process holds the directory."""


@contextlib.contextmanager
def held(directory: Path, *, wait: bool) -> Iterator[None]:
    """Holds an existing directory until the block ends.

    Where locks do not exist (Windows, some network disks) nobody is kept out.

    Args:
        directory: not held by the caller already.
        wait: for another holder to end, instead of an error.

    Raises:
        HeldError: another process holds it, and `wait` is False.
    """
    with contextlib.ExitStack() as stack:
        if fcntl is not None:
            handle = os.open(directory, os.O_RDONLY)
            stack.callback(os.close, handle)
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
            except BlockingIOError as error:
                raise HeldError(f"another process holds {str(directory)!r}") from error
            except OSError:
                pass  # no locks on this disk
        yield
