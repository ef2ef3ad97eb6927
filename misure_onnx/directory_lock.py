"""One process at a time in a directory. The lock is the kernel's: it ends with its process, however that ends."""

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path

try:
    import fcntl
except ImportError:  # Windows
    _LOCKS = False
else:
    _LOCKS = True


class HeldError(Exception):
    """Another process holds the directory."""


@contextlib.contextmanager
def held(directory: Path, *, wait: bool, needed: bool = False) -> Iterator[None]:
    """Holds an existing directory until the block ends.

    Where locks do not exist (Windows, some network disks) nobody is kept out, unless the lock is `needed`.

    Args:
        directory: not held by the caller already.
        wait: for another holder to end, instead of an error.
        needed: a place without locks is an error too.

    Raises:
        HeldError: another process holds it, and `wait` is False; or there are no locks, and one is needed.
    """
    with contextlib.ExitStack() as stack:
        if _LOCKS:
            handle = os.open(directory, os.O_RDONLY)
            stack.callback(os.close, handle)
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
            except BlockingIOError as error:
                raise HeldError(f"another process holds {str(directory)!r}") from error
            except OSError as error:  # no locks on this disk
                if needed:
                    raise HeldError(f"{str(directory)!r} takes no locks: {error}") from error
        elif needed:
            raise HeldError("this system has no locks of this kind")
        yield
