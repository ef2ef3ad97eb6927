"""The Triangle task: three small objects whose places form a triangle are the foreground, others are not.

Source: Hasany et al., MiSuRe (hal-05370304), section 4.1, after Riva et al. (ICIP 2022). Objects and
distractors are drawn from the same pool, so that nothing but their places tells them apart: a model has to look
at all three. The paper leaves the geometry open; the defaults are those of its author's code (three of the four
corners of a 100-pixel square at 224x224, five distractors), `PRESETS` has the other versions in use.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal, TypeAlias

import cv2
import numpy as np
import numpy.typing as npt

from benchmarks.datasets.idx import read_idx
from misure_onnx.types import BoolArray, FloatArray

IntArray: TypeAlias = npt.NDArray[np.int64]
Corner: TypeAlias = tuple[float, float]

OBJECT_SIZE = 28
"""Height and width of an object's picture, that of MNIST."""

_SIDE = 100 / 224
SQUARE: tuple[Corner, ...] = ((0, 0), (0, _SIDE), (_SIDE, _SIDE), (_SIDE, 0))

_RIVA: dict[str, Any] = {
    "size": 160,
    "corners": ((0.65, 0.30), (0.65, 0.70), (0.35, 0.70)),
    "shift": 0.25,
    "classes": (0, 1, 8),
    "class_by_corner": True,
    "distractor_classes": (0,),
    "distractors": 3,
    "distractors_below": True,
}

PRESETS: Mapping[str, Mapping[str, Any]] = {
    "riva_hard": {**_RIVA, "jitter": 0.05},
    "riva_strict": {**_RIVA, "distractor_box": (0.4, 0.0, 0.9, 0.5)},
    "square": {"objects": 4},
}
"""Parameters of `Triangle` that differ from the defaults: Riva et al.'s two versions (T-shirt, trouser and bag of
Fashion-MNIST at fixed corners; distractors are T-shirts), and the square of the MiSuRe author's thesis."""


@dataclass(frozen=True, eq=False)
class Objects:
    """The pool of pictures that scenes are made of.

    Attributes:
        images: (M, 28, 28) float32, multiples of 1/255 in [0, 1]; 0 is transparent.
        labels: (M,) class indices.
        name: where they come from.
    """

    images: FloatArray
    labels: IntArray
    name: str

    def __post_init__(self) -> None:
        if self.images.shape != (len(self.labels), OBJECT_SIZE, OBJECT_SIZE):
            raise ValueError(
                f"{self.name}: expected images ({len(self.labels)}, {OBJECT_SIZE}, {OBJECT_SIZE}), one a label; "
                f"got {self.images.shape}"
            )

    def __len__(self) -> int:
        return len(self.labels)

    def split(self, validation: float = 0.3, *, seed: int = 0) -> tuple["Objects", "Objects"]:
        """Two disjoint parts, (training, validation); `validation` is the second one's share (the paper's is 0.3)."""
        count = round(len(self) * validation)
        if not 0 < count < len(self):
            raise ValueError(f"a validation share of {validation} leaves a part of {len(self)} objects empty")
        order = np.random.default_rng(seed).permutation(len(self))
        return self._part(np.sort(order[count:]), "training"), self._part(np.sort(order[:count]), "validation")

    def of_classes(self, classes: tuple[int, ...] | None) -> IntArray:
        """Indices of the objects of these classes; None: of all."""
        wanted = np.flatnonzero(np.isin(self.labels, self.labels if classes is None else classes))
        if wanted.size == 0:
            raise ValueError(f"{self.name} has no object of the classes {classes}")
        return np.asarray(wanted, np.int64)

    def _part(self, indices: npt.NDArray[np.intp], name: str) -> "Objects":
        return replace(self, images=self.images[indices], labels=self.labels[indices], name=f"{self.name}, {name} part")


def fashion_mnist(directory: str | Path, part: Literal["train", "t10k"] = "t10k") -> Objects:
    """Fashion-MNIST (https://github.com/zalandoresearch/fashion-mnist, MIT) from its gzipped IDX files.

    Raises:
        FileNotFoundError: the two files of the part are not in the directory.
        ValueError: they are no IDX files.
    """
    images = read_idx(Path(directory) / f"{part}-images-idx3-ubyte.gz", axes=3)
    labels = read_idx(Path(directory) / f"{part}-labels-idx1-ubyte.gz", axes=1)
    return Objects(np.asarray(images / np.float32(255), np.float32), labels.astype(np.int64), f"Fashion-MNIST {part}")


def handwritten_digits() -> Objects:
    """The 1797 digits that scikit-learn brings along (`load_digits`, 8x8, 17 levels), enlarged to 28x28."""
    from sklearn.datasets import load_digits  # noqa: PLC0415 - the only user

    digits = load_digits()
    enlarged = np.stack([cv2.resize(d, (OBJECT_SIZE, OBJECT_SIZE)) for d in digits.images.astype(np.float32) / 16])
    # Interpolation surrounds each stroke with a faint fringe; an object has to end where one sees it end.
    enlarged[enlarged < 1 / 8] = 0
    return Objects((np.rint(enlarged * 255) / 255).astype(np.float32), digits.target.astype(np.int64), "load_digits")


@dataclass(frozen=True, eq=False)
class Sample:
    """One scene with its truth.

    Attributes:
        image: (H, W) float32 in [0, 1].
        mask: (H, W) bool, the pixels above 0 of the objects that form the figure.
        objects: (H, W) int: 0 background, then the objects of the figure, then the distractors.
        centres: (K, 2) float, row and column of the centre of each object's picture, in the same order.
    """

    image: FloatArray
    mask: BoolArray
    objects: IntArray
    centres: npt.NDArray[np.float64]


@dataclass(frozen=True)
class Triangle:
    """A sequence of scenes; scene i depends on the parameters, the seed and i alone.

    Attributes:
        source: the pool of objects.
        length: number of scenes.
        seed: of everything random.
        size: height and width of a scene; what follows as a fraction is a fraction of it.
        corners: (row, column) of the figure's corners as fractions; only their differences matter,
            and with `shift` also where they stand.
        objects: how many of the corners, chosen at random, carry an object.
        shift: largest displacement of the whole figure as a fraction; 1: anywhere inside the image.
        jitter: largest displacement of each object of its own as a fraction.
        classes: of the figure's objects; None: any.
        class_by_corner: whether corner k carries class k of `classes`; otherwise a random one.
        distractors: how many.
        distractor_classes: None: those of the figure's objects.
        distractor_box: (top, left, bottom, right) as fractions, where distractors' pictures lie.
        distractors_below: False: distractors touch no other object and complete no second figure;
            True: they lie anywhere, and under the figure (Riva et al.).
        noise: standard deviation of the |normal| noise on the background.
        attempts: places tried for a distractor before giving up.
    """

    source: Objects
    length: int = 2000
    seed: int = 0
    size: int = 224
    corners: tuple[Corner, ...] = SQUARE
    objects: int = 3
    shift: float = 1.0
    jitter: float = 0.0
    classes: tuple[int, ...] | None = None
    class_by_corner: bool = False
    distractors: int = 5
    distractor_classes: tuple[int, ...] | None = None
    distractor_box: tuple[float, float, float, float] = (0.0, 0.0, 1.0, 1.0)
    distractors_below: bool = False
    noise: float = 0.0
    attempts: int = 2000

    def __post_init__(self) -> None:
        if not 2 <= self.objects <= len(self.corners):
            raise ValueError(f"objects must lie in 2..{len(self.corners)}, the number of corners; got {self.objects}")
        if self.class_by_corner and (self.classes is None or len(self.classes) != len(self.corners)):
            raise ValueError(f"class_by_corner needs one class a corner ({len(self.corners)}); got {self.classes}")
        room = self.size - OBJECT_SIZE - 2 * self._pixels(self.jitter) - int(np.ptp(self._corners(), axis=0).max())
        if room < 0:
            raise ValueError(f"the figure is {-room} pixels too large for a scene of {self.size}x{self.size}")

    def __len__(self) -> int:
        return self.length

    def __iter__(self) -> Iterator[Sample]:
        return (self[index] for index in range(self.length))

    def __getitem__(self, index: int) -> Sample:
        if not 0 <= index < self.length:
            raise IndexError(f"scene {index} does not exist: there are {self.length}")
        rng = np.random.default_rng((self.seed, index))
        chosen = np.sort(rng.choice(len(self.corners), self.objects, replace=False))
        pictures = self._pictures(rng, chosen)
        places = self._figure(rng, chosen)
        if self.distractors_below:
            places = np.concatenate([places, [self._anywhere(rng) for _ in range(self.distractors)]])
        else:
            places = self._add_distractors(rng, pictures, places)
        return self._sample(rng, pictures, places)

    def _pixels(self, fraction: float) -> int:
        return round(fraction * self.size)

    def _corners(self) -> IntArray:
        """(C, 2) in pixels."""
        return np.asarray(np.rint(np.asarray(self.corners, np.float64) * self.size), np.int64)

    def _pictures(self, rng: np.random.Generator, chosen: IntArray) -> FloatArray:
        """The objects' pictures (K, 28, 28): the figure's first."""
        if self.class_by_corner and self.classes is not None:
            pools = [self.source.of_classes((self.classes[corner],)) for corner in chosen]
        else:
            pools = [self.source.of_classes(self.classes)] * len(chosen)
        others = self.source.of_classes(self.distractor_classes or self.classes)
        drawn = [rng.choice(pool) for pool in pools] + [rng.choice(others) for _ in range(self.distractors)]
        return self.source.images[drawn]

    def _figure(self, rng: np.random.Generator, chosen: IntArray) -> IntArray:
        """(objects, 2): upper left pixels of the pictures at the chosen corners, all inside the image."""
        places = self._corners()[chosen] - OBJECT_SIZE // 2
        jitter, shift = self._pixels(self.jitter), self._pixels(self.shift)
        lowest = np.maximum(jitter - places.min(axis=0), -shift)
        highest = np.minimum(self.size - OBJECT_SIZE - jitter - places.max(axis=0), shift)
        moved = rng.integers(lowest, highest + 1) + rng.integers(-jitter, jitter + 1, places.shape)
        return np.asarray(places + moved, np.int64)

    def _anywhere(self, rng: np.random.Generator) -> IntArray:
        """(2,): upper left pixel of a distractor's picture inside its box."""
        top, left, bottom, right = (self._pixels(edge) for edge in self.distractor_box)
        return rng.integers((top, left), (bottom - OBJECT_SIZE + 1, right - OBJECT_SIZE + 1))

    def _add_distractors(self, rng: np.random.Generator, pictures: FloatArray, places: IntArray) -> IntArray:
        """The places with those of the distractors appended, each refused until it is free and means nothing."""
        taken = np.zeros((self.size, self.size), bool)
        for picture, place in zip(pictures, places, strict=False):
            taken[window(place)] |= picture > 0
        for picture in pictures[len(places) :]:
            place = self._free_place(rng, picture > 0, taken, places)
            taken[window(place)] |= picture > 0
            places = np.concatenate([places, place[None]])
        return places

    def _free_place(self, rng: np.random.Generator, shape: BoolArray, taken: BoolArray, places: IntArray) -> IntArray:
        # One more pixel all around: neighbouring pixels would touch.
        blocked = cv2.dilate(taken.astype(np.uint8), np.ones((3, 3), np.uint8)) > 0
        for _ in range(self.attempts):
            place = self._anywhere(rng)
            if not (blocked[window(place)] & shape).any() and not self.completes_figure(place, places):
                return place
        raise RuntimeError(
            f"no free place for a distractor after {self.attempts} attempts: "
            f"use fewer than {self.distractors} distractors, or a larger scene than {self.size}x{self.size}"
        )

    def completes_figure(self, place: IntArray, others: IntArray) -> bool:
        """Whether an object at `place` (2,) and some at `others` (K, 2) form the figure, to half an object's size."""
        corners = self._corners()
        for index, corner in enumerate(corners):
            expected = place - corner + np.delete(corners, index, axis=0)
            distances = np.abs(expected[:, None] - others).max(axis=-1)
            if np.count_nonzero(distances.min(axis=1) <= OBJECT_SIZE // 2) >= self.objects - 1:
                return True
        return False

    def _sample(self, rng: np.random.Generator, pictures: FloatArray, places: IntArray) -> Sample:
        image = np.zeros((self.size, self.size), np.float32)
        objects = np.zeros(image.shape, np.int64)
        # Distractors first: where objects may overlap, the figure lies above.
        for number in (*range(self.objects, len(places)), *range(self.objects)):
            visible = pictures[number] > 0
            image[window(places[number])][visible] = pictures[number][visible]
            objects[window(places[number])][visible] = number + 1
        if self.noise > 0:
            background = np.abs(rng.normal(0, self.noise, image.shape)).clip(max=1)
            image = np.where(objects > 0, image, background).astype(np.float32)
        mask = (objects > 0) & (objects <= self.objects)
        return Sample(image, mask, objects, places.astype(np.float64) + OBJECT_SIZE / 2)


def window(place: IntArray) -> tuple[slice, slice]:
    """The pixels of a picture whose upper left pixel is `place`."""
    return slice(place[0], place[0] + OBJECT_SIZE), slice(place[1], place[1] + OBJECT_SIZE)
