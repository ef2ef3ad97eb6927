"""Wall and processor time of things that take turns."""

import statistics
import time
from collections.abc import Callable
from typing import TypeVar

Result = TypeVar("Result")


class Turns:
    """Seconds by name, in the order of the turns.

    Attributes:
        wall: of a clock.
        processor: of all threads of this process.
    """

    def __init__(self) -> None:
        self.wall: dict[str, list[float]] = {}
        self.processor: dict[str, list[float]] = {}

    def timed(self, name: str, run: Callable[[], Result], parts: int = 1) -> Result:
        """Runs, and notes the seconds of one of some equal parts of it."""
        wall, processor = time.perf_counter(), time.process_time()
        result = run()
        self.processor.setdefault(name, []).append((time.process_time() - processor) / parts)
        self.wall.setdefault(name, []).append((time.perf_counter() - wall) / parts)
        return result

    def medians(self) -> dict[str, float]:
        """Of the wall times."""
        return {name: statistics.median(values) for name, values in self.wall.items()}


def ratio(seconds: dict[str, list[float]], over: str, under: str) -> float:
    """The median of the turns' own ratios; where one was timed in the first turns alone, of those."""
    return statistics.median(a / b for a, b in zip(seconds[over], seconds[under], strict=False))
