"""A grid of cells over an image: what a search without gradients keeps or removes."""

import numpy as np
import numpy.typing as npt

from misure_onnx.types import BoolArray, FloatArray, Region


class CellGrid:
    """(rows, columns) cells over a region of (H, W) pixels; a kept cell keeps its pixels inside the region.

    Cell of pixel row r: r * rows // H, so that a grid with twice as many cells divides every cell, and the
    same set of pixels can be kept on the finer grid.

    Attributes:
        shape: (rows, columns), each at most the image's.
        area: (rows, columns) pixels of the region in each cell.
        inside: (rows, columns) bool, cells with any.
    """

    def __init__(self, shape: tuple[int, int], region: Region) -> None:
        self._region = region
        height, width = region.shape
        self.shape = (min(shape[0], height), min(shape[1], width))
        self._row = np.arange(height) * self.shape[0] // height
        self._column = np.arange(width) * self.shape[1] // width
        self.area: npt.NDArray[np.float32] = self.sums(region.astype(np.float32))
        self.inside = np.asarray(self.area > 0, bool)

    def pixels(self, cells: BoolArray) -> Region:
        """(rows, columns) kept cells -> (H, W) kept pixels."""
        return np.asarray(cells.take(self._row, axis=0).take(self._column, axis=1) & self._region, bool)

    def sums(self, values: FloatArray) -> npt.NDArray[np.float32]:
        """(H, W) -> (rows, columns), the sum over each cell."""
        by_row = np.add.reduceat(values, self._first(self._row, self.shape[0]), axis=0, dtype=np.float32)
        return np.asarray(np.add.reduceat(by_row, self._first(self._column, self.shape[1]), axis=1), np.float32)

    def kept_area(self, cells: BoolArray) -> int:
        """Pixels of the region in the kept cells."""
        return int(self.area[cells].sum())

    def finer(self, most: int) -> "CellGrid | None":
        """Every cell cut in two along each side that then has at most `most` cells; None: neither can be."""
        rows, columns = (
            2 * n if 2 * n <= min(most, extent) else n for n, extent in zip(self.shape, self._region.shape, strict=True)
        )
        return None if (rows, columns) == self.shape else CellGrid((rows, columns), self._region)

    def carried_to(self, finer: "CellGrid", values: npt.NDArray[np.generic]) -> npt.NDArray[np.generic]:
        """(rows, columns) values of this grid on a finer one, each repeated in the parts of its cell."""
        rows, columns = (-(-new // old) for new, old in zip(finer.shape, self.shape, strict=True))
        return np.repeat(np.repeat(values, rows, axis=0), columns, axis=1)

    @staticmethod
    def _first(cell: npt.NDArray[np.int64], count: int) -> npt.NDArray[np.int64]:
        """Index of each cell's first pixel."""
        return np.searchsorted(cell, np.arange(count))


def coarse_size(finest: int, most: int) -> int:
    """The largest of finest, finest/2, finest/4, ... that is at most `most`, rounded down to be doubled again."""
    while finest > most:
        finest //= 2
    return finest
