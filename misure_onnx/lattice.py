"""A few points of an image, spread evenly, at which a model is listened to."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from misure_onnx.types import BoolArray, FloatArray, Region

_PARTS, _POINTS_A_PART = 8, 4


@dataclass(frozen=True, eq=False)
class Lattice:
    """32 points along each axis.

    Attributes:
        axes: rows and columns, of a volume slices first.
        counted: (32, 32) bool, whether a point counts.
    """

    axes: tuple[npt.NDArray[np.int64], ...]
    counted: BoolArray

    def at(self, planes: FloatArray) -> FloatArray:
        """(N, K, H, W) -> (N, K, 32, 32)."""
        for axis, rows in enumerate(self.axes, start=2):
            planes = planes.take(rows, axis=axis)
        return planes

    def in_parts(self, values: FloatArray) -> FloatArray:
        """(N, 32, 32) -> (N, 64): means of 4 by 4 points, those that do not count being 0."""
        split = [extent for _ in self.axes for extent in (_PARTS, _POINTS_A_PART)]
        inner = tuple(range(2, 2 + len(split), 2))
        return np.asarray((values * self.counted).reshape(-1, *split).mean(axis=inner).reshape(len(values), -1))


def lattices_of(region: Region) -> tuple[Lattice, Lattice]:
    """Over the region's bounding box, where the region counts; over the image, where all the rest does.

    So a small object is listened to as closely as a large one.
    """
    axes = range(region.ndim)
    taken = [np.flatnonzero(region.any(axis=tuple(other for other in axes if other != axis))) for axis in axes]
    box = [(int(own[0]), int(own[-1]) + 1) if len(own) else (0, 1) for own in taken]
    return _over(box, region), _over([(0, extent) for extent in region.shape], ~region)


def _over(reach: Sequence[tuple[int, int]], counted: Region) -> Lattice:
    many = _PARTS * _POINTS_A_PART
    steps = (np.arange(many) + 0.5) / many
    axes = tuple((start + steps * (stop - start)).astype(np.int64) for start, stop in reach)
    return Lattice(axes, counted[np.ix_(*axes)])
