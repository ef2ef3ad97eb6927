"""A grid of cells over an image: what a search without gradients keeps or removes."""

from typing import Self

import numpy as np
import numpy.typing as npt

from misure_onnx.types import BoolArray, FloatArray, Region, Size


class CellGrid:
    """(rows, columns) cells over a region of (H, W) pixels; a kept cell keeps its pixels inside the region.

    Cell of pixel row r: r * rows // H, so that a grid with twice as many cells divides every cell, and the
    same set of pixels can be kept on the finer grid. A volume has a third axis.

    Attributes:
        shape: (rows, columns), each at most the image's.
        area: (rows, columns) pixels of the region in each cell.
        inside: (rows, columns) bool, cells with any.
    """

    def __init__(self, shape: Size, region: Region) -> None:
        self._region = region
        self.shape = tuple(min(cells, extent) for cells, extent in zip(shape, region.shape, strict=True))
        self._cell_of = [np.arange(n) * cells // n for n, cells in zip(region.shape, self.shape, strict=True)]
        self.area: npt.NDArray[np.float32] = self.sums(region.astype(np.float32))
        self.inside = np.asarray(self.area > 0, bool)

    @classmethod
    def coarse(cls, finest: int, most: int, region: Region) -> Self:
        """The first grid of a search: with a volume as many cells in all as with an image, not along each axis.

        Args:
            finest: cells a side of the last grid.
            most: cells a side of the first grid of an image.
            region: (H, W).
        """
        return cls((coarse_size(finest, round(most ** (2 / region.ndim))),) * region.ndim, region)

    def pixels(self, cells: BoolArray) -> Region:
        """(rows, columns) kept cells -> (H, W) kept pixels."""
        for axis, numbers in enumerate(self._cell_of):
            cells = cells.take(numbers, axis=axis)
        return np.asarray(cells & self._region, bool)

    def sums(self, values: FloatArray) -> npt.NDArray[np.float32]:
        """(H, W) -> (rows, columns), the sum over each cell."""
        for axis, (numbers, count) in enumerate(zip(self._cell_of, self.shape, strict=True)):
            first = np.searchsorted(numbers, np.arange(count))
            values = np.add.reduceat(values, first, axis=axis, dtype=np.float32)
        return np.asarray(values, np.float32)

    def kept_area(self, cells: BoolArray) -> int:
        """Pixels of the region in the kept cells."""
        return int(self.area[cells].sum())

    def finer(self, most: int) -> "CellGrid | None":
        """Every cell cut in two along each side that then has at most `most` cells; None: none can be."""
        shape = tuple(
            2 * n if 2 * n <= min(most, extent) else n for n, extent in zip(self.shape, self._region.shape, strict=True)
        )
        return None if shape == self.shape else CellGrid(shape, self._region)

    def carried_to(self, finer: "CellGrid", values: npt.NDArray[np.generic]) -> npt.NDArray[np.generic]:
        """(rows, columns) values of this grid on a finer one, each repeated in the parts of its cell."""
        for axis, (new, old) in enumerate(zip(finer.shape, self.shape, strict=True)):
            values = np.repeat(values, -(-new // old), axis=axis)
        return values


def coarse_size(finest: int, most: int) -> int:
    """The largest of finest, finest/2, finest/4, ... that is at most `most`, rounded down to be doubled again."""
    while finest > most:
        finest //= 2
    return finest
