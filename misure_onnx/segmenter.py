"""What a method may ask of a model."""

import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass, fields
from typing import Protocol, TypeVar, runtime_checkable

from misure_onnx.images import ImageLike, LoadedImage, load_image
from misure_onnx.preprocessing import Preprocessing
from misure_onnx.scores import Head
from misure_onnx.types import Images, Scores, Size
from misure_onnx.volumes import LoadedVolume, VolumeLike, is_volume, load_volume

Predict = Callable[[Images], Scores]
"""(N, C, H, W) float32 -> scores (N, L, H, W) float32."""

LoadedInput = LoadedImage | LoadedVolume

Item = TypeVar("Item")
Result = TypeVar("Result")


def load_input(source: ImageLike | VolumeLike) -> LoadedInput:
    """A picture or a volume, whichever it is.

    Raises:
        ImageError: it cannot be read.
    """
    if is_volume(source):
        return load_volume(source)  # type: ignore[arg-type]
    return load_image(source)  # type: ignore[arg-type]


BACKGROUND_NAMES = frozenset({"background", "bg", "_background_", "__background__"})


@dataclass(frozen=True)
class Server:
    """Where a model is served, and by what, as far as the server says so.

    Attributes:
        address: as a URL, without credentials.
        protocol: that was spoken, e.g. `gRPC` or `REST binary`.
        software, software_version: of the server.
        model, model_version: as the server names them.
    """

    address: str
    protocol: str
    software: str | None
    software_version: str | None
    model: str | None
    model_version: str | None


@dataclass(frozen=True)
class Traffic:
    """What was exchanged with a server.

    Attributes:
        requests: of every kind, those repeated included.
        repeated: asked again, because the server said so or did not listen yet.
        bytes_sent, bytes_received: in the bodies of requests and answers.
        seconds: between question and answer, summed over requests, several of which may have run at the same time.
    """

    requests: int = 0
    repeated: int = 0
    bytes_sent: int = 0
    bytes_received: int = 0
    seconds: float = 0.0

    def since(self, before: "Traffic") -> "Traffic":
        """What came after an earlier state."""
        names = [field.name for field in fields(self)]
        return Traffic(**{name: getattr(self, name) - getattr(before, name) for name in names})


@dataclass(frozen=True)
class Identity:
    """Which model answered, and how it was run; goes into the provenance.

    Attributes:
        model_sha256: of the ONNX file; None where there is none.
        opset: of ONNX's default domain.
        providers_requested, providers_used: ONNX Runtime's own strings, or OpenVINO, and the precision asked for.
        notes: what was assumed or chosen for the user, a sentence each.
        server: of a model behind one.
    """

    model_sha256: str | None
    opset: int | None
    providers_requested: tuple[str, ...]
    providers_used: tuple[str, ...]
    notes: tuple[str, ...] = ()
    server: Server | None = None


@dataclass(frozen=True)
class SegmenterSpec:
    """The model as the methods see it.

    Attributes:
        channels: C of the input.
        classes: L of the scores.
        head: what the scores mean.
        size: (height, width) or (depth, height, width) that the network takes; None: any.
        rank: spatial axes of its input: 2 for images, 3 for volumes.
        class_names: one a class, or None where nobody declared them.
        preprocessing: from a picture to the network's input.
        batch_size: images a call that run best on this backend.
        workers: calls at the same time that run best on this backend (see `ConcurrentSegmenter`).
    """

    channels: int
    classes: int
    head: Head
    size: Size | None
    class_names: tuple[str, ...] | None
    preprocessing: Preprocessing
    batch_size: int = 1
    workers: int = 1
    rank: int = 2

    @property
    def background(self) -> int | None:
        """Index of the class that is declared as background, if any."""
        if self.class_names and self.head.exclusive and self.class_names[0].lower() in BACKGROUND_NAMES:
            return 0
        return None

    def class_name(self, index: int) -> str | None:
        """The declared name of a class."""
        return self.class_names[index] if self.class_names else None

    def class_label(self, index: int) -> str:
        """The declared name of a class, or "class 3"."""
        return class_label(index, self.class_name(index))


def class_label(class_index: int, class_name: str | None) -> str:
    """How texts call a class: by its name, or "class 3" where it has none."""
    return class_name or f"class {class_index}"


class Segmenter(Protocol):
    """A model that gives one score a class and pixel."""

    @property
    def spec(self) -> SegmenterSpec:
        """What the model takes and gives."""

    @property
    def identity(self) -> Identity:
        """Which model this is and how it runs."""

    def prepare(self, image: LoadedInput) -> Images:
        """The network input (1, C, H, W) for a picture or volume, by the declared preprocessing.

        Raises:
            ImageError: it does not fit the network.
        """

    def predict(self, images: Images) -> Scores:
        """(N, C, H, W) float32 -> scores (N, L, H, W) float32, for any N."""


@runtime_checkable
class ConcurrentSegmenter(Protocol):
    """A segmenter that answers several callers at once; a capability, which methods use through `CountingSegmenter`."""

    def concurrently(
        self,
        work: Callable[[Predict, Item], Result],
        items: Iterable[Item],
        until: Callable[[Result], bool] | None = None,
    ) -> Iterator[Result]:
        """`work(predict, item)` of every item, `spec.workers` at the same time; gives the results in order.

        Args:
            work: called from several threads.
            items: taken one by one, by one thread at a time, as there is room for them.
            until: whether a result is the last one that is wanted. When it comes, `spec.workers - 1` further items
                have been begun, whatever was faster; without it a caller takes all results.
        """


@runtime_checkable
class Metered(Protocol):
    """A segmenter that counts what it exchanges with a server."""

    @property
    def traffic(self) -> Traffic | None:
        """Up to now; None where there is no server."""


def traffic_of(segmenter: Segmenter) -> Traffic | None:
    """What a segmenter exchanged with a server up to now; None where there is none."""
    return segmenter.traffic if isinstance(segmenter, Metered) else None


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


@runtime_checkable
class ReducedPrecision(Protocol):
    """A segmenter that can compute with fewer bits than its file says; a capability, which the provenance asks for."""

    def full_precision(self) -> Segmenter | None:
        """The same model with the bits of the file; None where it has them."""


class CountingSegmenter:
    """A segmenter that counts the images it was asked about."""

    def __init__(self, segmenter: Segmenter) -> None:
        self.segmenter = segmenter
        self.forwards = 0
        self._counting = threading.Lock()
        self._concurrent = segmenter if isinstance(segmenter, ConcurrentSegmenter) else None
        self._before = traffic_of(segmenter)

    @property
    def spec(self) -> SegmenterSpec:
        """That of the segmenter it wraps."""
        return self.segmenter.spec

    @property
    def identity(self) -> Identity:
        """That of the segmenter it wraps."""
        return self.segmenter.identity

    @property
    def traffic(self) -> Traffic | None:
        """What the segmenter exchanged with a server since it is counted here, for whomever; None: no server."""
        now = traffic_of(self.segmenter)
        return None if now is None or self._before is None else now.since(self._before)

    def prepare(self, image: LoadedInput) -> Images:
        """That of the segmenter it wraps."""
        return self.segmenter.prepare(image)

    def predict(self, images: Images) -> Scores:
        """Predicts and counts."""
        return self._counted(self.segmenter.predict, images)

    def concurrently(
        self,
        work: Callable[[Predict, Item], Result],
        items: Iterable[Item],
        until: Callable[[Result], bool] | None = None,
    ) -> Iterator[Result]:
        """As `ConcurrentSegmenter`; one after the other where the segmenter cannot do more."""
        if self._concurrent is None or self.spec.workers == 1:
            return _one_by_one(work, self.predict, items, until)
        return self._concurrent.concurrently(
            lambda predict, item: work(lambda images: self._counted(predict, images), item), items, until
        )

    def _counted(self, predict: Predict, images: Images) -> Scores:
        with self._counting:
            self.forwards += len(images)
        return predict(images)


def _one_by_one(
    work: Callable[[Predict, Item], Result],
    predict: Predict,
    items: Iterable[Item],
    until: Callable[[Result], bool] | None,
) -> Iterator[Result]:
    for item in items:
        result = work(predict, item)
        yield result
        if until is not None and until(result):
            return
