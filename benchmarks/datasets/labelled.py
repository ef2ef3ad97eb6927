"""What every data set of the benchmarks gives: images with a class index at every pixel."""

from dataclasses import dataclass
from typing import Any, Literal, Protocol, TypeAlias

import numpy as np
import numpy.typing as npt

Part: TypeAlias = Literal["training", "validation"]
Labels: TypeAlias = npt.NDArray[np.int64]

UNKNOWN = -1
"""A pixel whose class is not known: it counts in no comparison with the truth."""


@dataclass(frozen=True, eq=False)
class LabelledImage:
    """An image with its truth.

    Attributes:
        name: unique in its data set.
        image: (H, W) or (H, W, 3) RGB, uint8 or uint16.
        labels: (H, W) class indices; `UNKNOWN` where none is known.
        group: what must not be divided between training and validation: the patient, the scene.
    """

    name: str
    image: npt.NDArray[Any]
    labels: Labels
    group: str

    def __post_init__(self) -> None:
        if self.image.shape[:2] != self.labels.shape:
            raise ValueError(f"{self.name}: the image is {self.image.shape[:2]}, its labels are {self.labels.shape}")


class Dataset(Protocol):
    """A sequence of labelled images; item i is the same at every call."""

    @property
    def class_names(self) -> tuple[str, ...]:
        """One a class index; 0 is the background."""

    def __len__(self) -> int:
        """How many images there are."""

    def __getitem__(self, index: int) -> LabelledImage:
        """Raises IndexError where there is no such image."""
