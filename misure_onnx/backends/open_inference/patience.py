"""Asking again, only where that is safe: the server said "later", or nothing was sent."""

import time
from collections.abc import Callable
from typing import TypeVar

from misure_onnx.backends.open_inference.options import RemoteOptions
from misure_onnx.errors import ServerError

Answer = TypeVar("Answer")

_FIRST_PAUSE = 0.25


class Later(Exception):  # noqa: N818 - reads as what it is
    """The server will answer later.

    Args:
        reason: why, for the message if it never does.
        seconds: how long it wants to be left alone; None: it did not say.
    """

    def __init__(self, reason: str, seconds: float | None = None) -> None:
        super().__init__(reason)
        self.seconds = seconds


def patiently(attempt: Callable[[], Answer], options: RemoteOptions, note_retry: Callable[[], None]) -> Answer:
    """The answer of an attempt, which is repeated while it raises `Later`, at most `options.retries` times.

    Raises:
        ServerError: the server wants more patience than the options grant.
    """
    for number in range(options.retries + 1):
        try:
            return attempt()
        except Later as later:
            pause = _FIRST_PAUSE * 2**number if later.seconds is None else later.seconds
            if pause > options.longest_wait:
                raise ServerError(
                    f"{later}; it asks to wait {pause:g} s, at most {options.longest_wait:g} s are waited: try again "
                    "then, or raise longest_wait"
                ) from later
            if number == options.retries:
                raise ServerError(f"{later}; asked {number + 1} times") from later
            note_retry()
            time.sleep(pause)
    raise AssertionError("the last attempt returns or raises")
