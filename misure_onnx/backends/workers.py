"""Several forwards at the same time on one machine's processors."""

import math
import threading
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Any, Generic

from misure_onnx.processors import usable_cores
from misure_onnx.segmenter import Item, Result

_MOST_WORKERS = 4
"""More would multiply the memory of the activations for little more speed."""

_TAKEN_AT_ONCE = 2
"""Results a worker."""


def most_workers() -> int:
    """How many forwards run at the same time; each gets an equal share of the usable processors."""
    return min(_MOST_WORKERS, usable_cores())


def side_by_side(
    work: Callable[[Item], Result], items: Iterable[Item], workers: int, until: Callable[[Result], bool] | None
) -> Iterator[Result]:
    """The results of several threads in the order of the items; see `ConcurrentSegmenter`.

    Whoever stops early, or meets an error, waits for what was begun: nothing goes on unseen.
    """
    line = _Line(work, items, workers, until)
    threads = [threading.Thread(target=line.serve, name=f"misure-forward-{k}", daemon=True) for k in range(workers)]
    for thread in threads:
        thread.start()
    try:
        yield from line.results()
    finally:
        line.close()
        for thread in threads:
            thread.join()


@dataclass(frozen=True)
class _Outcome(Generic[Result]):
    """A result or an error, and whether the line ends with it."""

    result: Future[Result]
    is_last: bool


def _failed(error: BaseException) -> _Outcome[Any]:
    outcome = _Outcome(Future[Any](), is_last=True)
    outcome.result.set_exception(error)
    return outcome


class _Line(Generic[Item, Result]):
    """Items that several threads serve, each taking the next one by itself: none waits to be told.

    Item k is begun when all items up to k - workers are done and none of them ends the line, so that the number of
    items begun does not depend on which thread is faster.
    """

    def __init__(
        self,
        work: Callable[[Item], Result],
        items: Iterable[Item],
        workers: int,
        until: Callable[[Result], bool] | None,
    ) -> None:
        self._work, self._items, self._workers, self._until = work, iter(items), workers, until
        self._taken_at_once = _TAKEN_AT_ONCE * workers
        lock = threading.Lock()
        self._room, self._due = threading.Condition(lock), threading.Condition(lock)
        self._done: dict[int, _Outcome[Result]] = {}
        self._begun, self._passed, self._taken = 0, 0, 0
        self._length: float = math.inf

    def serve(self) -> None:
        """Works until the items or the line end."""
        while (begun := self._begin()) is not None:
            place, item = begun
            try:
                result = self._work(item)
                outcome = _Outcome(Future[Result](), self._until is not None and self._until(result))
                outcome.result.set_result(result)
            except BaseException as error:  # noqa: BLE001 - raised where the results are taken
                outcome = _failed(error)
            self._finish(place, outcome)

    def results(self) -> Iterator[Result]:
        """In the order of the items, up to the first that ends the line."""
        while some := self._take():
            for outcome in some:
                yield outcome.result.result()
                if outcome.is_last:
                    return

    def close(self) -> None:
        """No further item is begun."""
        with self._room:
            self._length = min(self._length, self._begun)
            self._room.notify_all()

    def _begin(self) -> tuple[int, Item] | None:
        with self._room:
            self._room.wait_for(lambda: self._begun < self._limit() or self._begun >= self._length)
            place = self._begun
            if place >= self._length:
                return None
            try:
                item = next(self._items)
            except StopIteration:
                self._length = place
            except BaseException as error:  # noqa: BLE001 - raised where the results are taken
                self._length = self._begun = place + 1
                self._done[place] = _failed(error)
            else:
                self._begun += 1
                return place, item
            self._room.notify_all()
            self._due.notify()
            return None

    def _limit(self) -> int:
        """How many items may be begun; some results may wait to be taken."""
        most = self._taken + 2 * self._taken_at_once
        return min(most, self._passed + self._workers) if self._until else most

    def _finish(self, place: int, outcome: _Outcome[Result]) -> None:
        with self._room:
            self._done[place] = outcome
            while self._passed in self._done and not self._done[self._passed].is_last:
                self._passed += 1
            self._room.notify_all()
            if self._is_due():
                self._due.notify()

    def _take(self) -> list[_Outcome[Result]]:
        with self._due:
            self._due.wait_for(self._is_due)
            taken = list[_Outcome[Result]]()
            while self._taken in self._done:
                taken.append(self._done.pop(self._taken))
                self._taken += 1
            self._room.notify_all()
            return taken

    def _is_due(self) -> bool:
        """Whether the caller is woken: waking it for every result would cost more than what it does with one."""
        if self._taken not in self._done:
            return self._taken >= self._length
        ended = self._passed in self._done or self._taken + len(self._done) >= self._length
        return ended or len(self._done) >= self._taken_at_once
