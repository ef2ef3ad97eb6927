"""What a method may ask of a model."""

import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Protocol, TypeVar, runtime_checkable

from misure_onnx.images import LoadedImage
from misure_onnx.preprocessing import Preprocessing
from misure_onnx.scores import Head
from misure_onnx.types import Images, Scores

Predict = Callable[[Images], Scores]
"""(N, C, H, W) float32 -> scores (N, L, H, W) float32."""

Item = TypeVar("Item")
Result = TypeVar("Result")

BACKGROUND_NAMES = frozenset({"background", "bg", "_background_", "__background__"})


@dataclass(frozen=True)
class Identity:
    """Which model answered, and how it was run; goes into the provenance.

    Attributes:
        model_sha256: of the ONNX file; None where there is none.
        opset: of ONNX's default domain.
        providers_requested, providers_used: ONNX Runtime's own strings.
        notes: what was assumed or chosen for the user, a sentence each.
    """

    model_sha256: str | None
    opset: int | None
    providers_requested: tuple[str, ...]
    providers_used: tuple[str, ...]
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class SegmenterSpec:
    """The model as the methods see it.

    Attributes:
        channels: C of the input.
        classes: L of the scores.
        head: what the scores mean.
        size: (height, width) that the network takes; None: any.
        class_names: one a class, or None where nobody declared them.
        preprocessing: from a picture to the network's input.
        batch_size: images a call that run best on this backend.
        workers: calls at the same time that run best on this backend (see `ConcurrentSegmenter`).
    """

    channels: int
    classes: int
    head: Head
    size: tuple[int, int] | None
    class_names: tuple[str, ...] | None
    preprocessing: Preprocessing
    batch_size: int = 1
    workers: int = 1

    @property
    def background(self) -> int | None:
        """Index of the class that is declared as background, if any."""
        if self.class_names and self.head.exclusive and self.class_names[0].lower() in BACKGROUND_NAMES:
            return 0
        return None

    def class_name(self, index: int) -> str | None:
        """The declared name of a class."""
        return self.class_names[index] if self.class_names else None


class Segmenter(Protocol):
    """A model that gives one score a class and pixel."""

    @property
    def spec(self) -> SegmenterSpec:
        """What the model takes and gives."""

    @property
    def identity(self) -> Identity:
        """Which model this is and how it runs."""

    def prepare(self, image: LoadedImage) -> Images:
        """The network input (1, C, H, W) for a picture, by the declared preprocessing."""

    def predict(self, images: Images) -> Scores:
        """(N, C, H, W) float32 -> scores (N, L, H, W) float32, for any N."""


@runtime_checkable
class ConcurrentSegmenter(Protocol):
    """A segmenter that answers several callers at once; a capability, which methods use through `CountingSegmenter`."""

    def concurrently(
        self, work: Callable[[Predict, Item], Result], items: Iterable[Item], *, queued: int
    ) -> Iterator[Result]:
        """`work(predict, item)` of every item, `spec.workers` at the same time; gives the results in order.

        Args:
            work: called from several threads.
            items: taken one by one, as there is room for them.
            queued: how many more than can run may wait. A caller who stops early has paid for those that were
                begun: `spec.workers - 1`, and these.
        """


@runtime_checkable
class Randomisable(Protocol):
    """A segmenter whose learned weights can be destroyed, for the randomisation sanity check."""

    def randomised(self, share: float, seed: int) -> AbstractContextManager[Segmenter]:
        """The same model with the weights of its last layers permuted, inside the context.

        Args:
            share: of the layers with weights, counted from the output; 1: all.
            seed: of the permutations.

        Raises:
            UnsupportedModel: no layer has weights.
        """


class CountingSegmenter:
    """A segmenter that counts the images it was asked about."""

    def __init__(self, segmenter: Segmenter) -> None:
        self.segmenter = segmenter
        self.forwards = 0
        self._counting = threading.Lock()
        self._concurrent = segmenter if isinstance(segmenter, ConcurrentSegmenter) else None

    @property
    def spec(self) -> SegmenterSpec:
        """That of the segmenter it wraps."""
        return self.segmenter.spec

    @property
    def identity(self) -> Identity:
        """That of the segmenter it wraps."""
        return self.segmenter.identity

    def prepare(self, image: LoadedImage) -> Images:
        """That of the segmenter it wraps."""
        return self.segmenter.prepare(image)

    def predict(self, images: Images) -> Scores:
        """Predicts and counts."""
        return self._counted(self.segmenter.predict, images)

    def concurrently(
        self, work: Callable[[Predict, Item], Result], items: Iterable[Item], *, queued: int = 0
    ) -> Iterator[Result]:
        """As `ConcurrentSegmenter`; one after the other where the segmenter cannot do more."""
        if self._concurrent is None:
            return (work(self.predict, item) for item in items)
        return self._concurrent.concurrently(
            lambda predict, item: work(lambda images: self._counted(predict, images), item), items, queued=queued
        )

    def _counted(self, predict: Predict, images: Images) -> Scores:
        with self._counting:
            self.forwards += len(images)
        return predict(images)
