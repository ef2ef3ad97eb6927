"""Several forwards at the same time on one machine's processors."""

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor

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
        self.session = session
        self._threads = ThreadPoolExecutor(count, thread_name_prefix="misure-forward")

    def run(self, work: Callable[[Item], Result], items: Iterable[Item]) -> Iterator[Result]:
        """Begins at once; the results in the order of the items. At an error what has not begun never will."""
        return _in_order([self._threads.submit(work, item) for item in items])


def _in_order(futures: list[Future[Result]]) -> Iterator[Result]:
    try:
        for future in futures:
            yield future.result()
    finally:
        for future in futures:
            future.cancel()
