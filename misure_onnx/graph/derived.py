"""What was made of a model file once, for whoever needs it again."""

import threading
from collections.abc import Callable, Hashable
from typing import Any, TypeVar

_KEPT = 2

Made = TypeVar("Made")


class Derived:
    """Gradient graphs with their sessions, a torch bridge: whatever takes long to make and depends on the file alone.

    It belongs to one segmenter and goes with it, so that nothing made of another file is ever found. Of a kind the two
    used last are kept, since a session holds the memory of its network. Safe to use from several threads.
    """

    def __init__(self) -> None:
        self._kinds: dict[str, dict[Hashable, Any]] = {}
        self._lock = threading.Lock()

    def once(self, kind: str, key: Hashable, make: Callable[[], Made]) -> Made:
        """What was made for a key, or is made now; an error of `make` is raised, and nothing is kept.

        Args:
            kind: of what is made, e.g. `onnx_gradient`.
            key: all that it depends on besides the file.
            make: makes it.
        """
        with self._lock:
            known = self._kinds.setdefault(kind, {})
            made: Made = known.pop(key) if key in known else make()
            known[key] = made
            while len(known) > _KEPT:
                del known[next(iter(known))]
            return made
