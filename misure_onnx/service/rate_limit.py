"""How many requests a key may make: a bucket that fills at a steady rate and holds a minute's worth."""

import math
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class Allowance:
    """What is left.

    Attributes:
        allowed: whether this request may pass.
        limit: of a minute.
        remaining: requests that could follow at once.
        reset: seconds until the next one may, or, where some remain, until the bucket is full.
    """

    allowed: bool
    limit: int
    remaining: int
    reset: int

    def headers(self, policy: str) -> dict[str, str]:
        """RateLimit and RateLimit-Policy (draft-ietf-httpapi-ratelimit-headers), and Retry-After for a refusal."""
        told = {
            "RateLimit-Policy": f'"{policy}";q={self.limit};w=60',
            "RateLimit": f'"{policy}";r={self.remaining};t={self.reset}',
        }
        return told if self.allowed else {**told, "Retry-After": str(self.reset)}


class RateLimit:
    """One bucket a key, in this process's memory.

    Args:
        per_minute: that a bucket holds and gets.
        clock: seconds.
    """

    def __init__(self, per_minute: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._limit, self._clock = per_minute, clock
        self._buckets: dict[str, tuple[float, float]] = {}
        self._lock = threading.Lock()

    def take(self, key: str) -> Allowance:
        """One request."""
        rate, now = self._limit / 60, self._clock()
        with self._lock:
            left, since = self._buckets.get(key, (float(self._limit), now))
            left = min(float(self._limit), left + (now - since) * rate)
            allowed = left >= 1
            left -= allowed
            self._buckets[key] = (left, now)
        missing = self._limit - left if allowed else 1 - left
        return Allowance(allowed, self._limit, math.floor(left), math.ceil(missing / rate))
