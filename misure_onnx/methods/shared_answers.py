"""One set of forwards for several targets of an image: what the model said about a mask, kept as a number a target."""

import hashlib
import threading
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from misure_onnx.methods.value import Numbers, Value
from misure_onnx.scores import Head
from misure_onnx.target import ResolvedTarget
from misure_onnx.types import FloatArray, Images, Scores

_Key = tuple[bytes, bytes, Value]


class SharedAnswers:
    """Answers about one image through masks, for targets that will ask about the same masks.

    Methods whose masks do not depend on the target (RISE, occlusion, KernelSHAP, LIME) ask every question once, however
    many objects there are. What is kept is a number or some hundred a mask and target, no scores. Safe to use from
    several threads.

    Args:
        targets: all that will be asked about; resolved on the image.
    """

    def __init__(self, targets: Sequence[ResolvedTarget]) -> None:
        self._targets = list(targets)
        self._known: dict[_Key, Numbers] = {}
        self._saved = [0] * len(self._targets)
        self._lock = threading.Lock()

    def serves(self, target: ResolvedTarget) -> bool:
        """Whether the target is one of them."""
        return any(own is target for own in self._targets)

    def saved(self, target: ResolvedTarget) -> int:
        """Masks whose answer for a target was known without a forward."""
        return self._saved[self._place(target)]

    def asking(
        self, target: ResolvedTarget, head: Head, baseline: Images, value: Value
    ) -> Callable[[FloatArray, Callable[[FloatArray], Scores]], Numbers]:
        """A function that answers masks (N, H, W) with a value of the target, (N,) or (N, V).

        Its second argument gives the scores of the image through masks; it is called for those not known.
        """
        place, replaced = self._place(target), _digest(baseline)

        def answers(masks: FloatArray, scores_of: Callable[[FloatArray], Scores]) -> Numbers:
            keys: list[_Key] = [(_digest(mask), replaced, value) for mask in masks]
            with self._lock:
                new = [k for k, key in enumerate(keys) if key not in self._known]
                self._saved[place] += len(keys) - len(new)
            if new:
                scores = scores_of(masks[new])
                numbers = np.stack([value(scores, head, own) for own in self._targets], axis=1)
                with self._lock:
                    self._known.update(zip([keys[k] for k in new], numbers, strict=True))
            with self._lock:
                return np.array([self._known[key][place] for key in keys])

        return answers

    def _place(self, target: ResolvedTarget) -> int:
        return next(k for k, own in enumerate(self._targets) if own is target)


def _digest(array: npt.NDArray[Any]) -> bytes:
    return hashlib.blake2b(np.ascontiguousarray(array).data, digest_size=16).digest()
