"""What a person is shown of an array: an image itself, of a volume a slice across each axis."""

from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt

from misure_onnx.types import Region

Pixels = TypeVar("Pixels", bound=npt.NDArray[Any])

_AXES = "xyz"


@dataclass(frozen=True)
class View:
    """One picture of an array.

    Attributes:
        label: "" for an image, "x = 31" for a volume's slice across its first axis.
        axis, index: of the slice; None: the whole array.
    """

    label: str
    axis: int | None = None
    index: int = 0

    def of(self, array: Pixels) -> Pixels:
        """(H, W, ...) of an image, (D, H, W, ...) of a volume -> (rows, columns, ...)."""
        if self.axis is None:
            return array
        # A slice's second axis goes upwards, as viewers show the file's axes.
        shown: Pixels = np.swapaxes(np.take(array, self.index, axis=self.axis), 0, 1)[::-1]
        return shown


def views_of(region: Region) -> tuple[View, ...]:
    """The image, or of a volume the slice across each axis that holds most of a region."""
    if region.ndim == 2:
        return (View(""),)
    views = []
    for axis, name in enumerate(_AXES):
        others = tuple(other for other in range(3) if other != axis)
        index = int(region.sum(axis=others).argmax())
        views.append(View(f"{name} = {index}", axis, index))
    return tuple(views)
