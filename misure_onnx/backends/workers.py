"""Several forwards at the same time on one machine's processors."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor, wait

import onnxruntime as ort

from misure_onnx.processors import usable_cores
from misure_onnx.segmenter import Item, Result

_MOST_WORKERS = 4
"""More would multiply the memory of the activations for little more speed."""


def most_workers() -> int:
    """How many forwards run at the same time; each gets an equal share of the usable processors."""
    return min(_MOST_WORKERS, usable_cores())


class Workers:
    """A few threads that share one session, in which every call uses its own share of the processors.

    Args:
        count: of threads.
        session: with usable processors / count threads a call; ONNX Runtime takes calls from several threads.
    """

    def __init__(self, count: int, session: ort.InferenceSession) -> None:
        self.count, self.session = count, session
        self._threads = ThreadPoolExecutor(count, thread_name_prefix="misure-forward")

    def run(self, work: Callable[[Item], Result], items: Iterable[Item], *, queued: int) -> Iterator[Result]:
        """The results in the order of the items, of which at most `count + queued` are begun and not yet given.

        Whoever stops early, or meets an error, waits for what was begun: nothing goes on unseen, and the number of
        forwards is the same every time.
        """
        begun = deque[Future[Result]]()
        try:
            for item in items:
                if len(begun) == self.count + queued:
                    yield begun.popleft().result()
                begun.append(self._threads.submit(work, item))
            while begun:
                yield begun.popleft().result()
        finally:
            wait(begun)
