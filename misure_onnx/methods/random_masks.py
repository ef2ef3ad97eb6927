"""RISE's random masks: a coarse grid of cells, stretched over the image and shifted."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Literal, TypeAlias

import numpy as np
import numpy.typing as npt
from scipy.linalg import hadamard

from misure_onnx.mask import resize_map
from misure_onnx.types import FloatArray, Mask, SaliencyMap, Size

Upsampling = Literal["nearest", "linear"]
Shift: TypeAlias = tuple[int, ...]

_POINTS_A_CELL = 2
_GRIDS_A_SHIFT = 128
_EVEN, _LARGEST_ORDER = 0.5, 128


@dataclass(frozen=True)
class RandomMasks:
    """RISE's section 3.2: cells kept at random, stretched to one cell more than the image, cropped at a random shift.

    Attributes:
        size: (height, width) of the masks, of a volume (depth, height, width).
        cells: along each axis.
        keep: probability that a cell is kept.
        upsampling: `nearest` keeps hard cells, `linear` blurs them.
    """

    size: Size
    cells: int
    keep: float
    upsampling: Upsampling

    def drawn(self, rng: np.random.Generator) -> Iterator[Mask]:
        """(H, W) each, without end."""
        while True:
            yield self.mask(self._grids(rng, 1)[0], self._shift(rng))

    def mask(self, grid: FloatArray, shift: Shift) -> Mask:
        """(H, W) of a grid (cells, cells), shifted by so many pixels along each axis, less than a cell."""
        return self._stretch(grid, self._rows(shift))

    def samples(self, mask: Mask) -> FloatArray:
        """(D,): a mask at two points a cell and axis, which is all that tells it from others."""
        points: FloatArray = mask[np.ix_(*self._points)].ravel()
        return points

    def covariance(
        self, values: Callable[[FloatArray], FloatArray], rng: np.random.Generator, shifts: int = 32
    ) -> SaliencyMap:
        """Covariance (H, W) of a function of masks with the visibility of each pixel.

        Over many masks that are drawn and never shown to a model. Given a shift, cells are independent, so that the
        covariance is that of the value with each cell, spread over the pixels as the cell is.

        Args:
            values: samples (n, D) -> (n,).
            rng: draws the masks.
            shifts: how many, with 128 grids each, or somewhat more.
        """
        total = np.zeros(self.size, np.float64)
        for _ in range(shifts):
            grids, rows = self._grids_of_a_shift(rng), self._rows(self._shift(rng))
            at_points = [own[points] for own, points in zip(rows, self._points, strict=True)]
            found = values(self._spread(grids, at_points).reshape(len(grids), -1))
            free = len(grids) - (0 if self._balanced else 1)  # balanced, no cell goes with the mean that is taken off
            of_cells = np.tensordot(found - found.mean(), grids - self.keep, axes=1) / free
            total += self._stretch(np.asarray(of_cells, np.float32), rows)
        return np.asarray(total / shifts, np.float32)

    def _grids_of_a_shift(self, rng: np.random.Generator) -> FloatArray:
        """(128 or more, cells, cells) of 0 and 1; balanced: every two cells take all four combinations equally often.

        Rows of a Hadamard matrix with their complements, columns and signs at random: each grid by itself is like any
        that is drawn, and together no cell's effect is mistaken for another's.
        """
        if not self._balanced:
            return self._grids(rng, _GRIDS_A_SHIFT)
        rows, count = self._rows_of_signs, self._count
        blocks = []
        for _ in range(max(_GRIDS_A_SHIFT // (2 * self._order), 1)):
            columns = 1 + rng.permutation(self._order - 1)[:count]  # the first one is constant
            kept = rows[:, columns] * rng.choice(np.array([-1, 1], np.int8), count) > 0
            blocks += [kept, ~kept]
        return np.concatenate(blocks).reshape(-1, *[self.cells] * len(self.size)).astype(np.float32)

    @property
    def _count(self) -> int:
        return int(self.cells ** len(self.size))

    @property
    def _order(self) -> int:
        return 1 << self._count.bit_length()

    @cached_property
    def _rows_of_signs(self) -> npt.NDArray[np.int8]:
        signs: npt.NDArray[np.int8] = hadamard(self._order, np.int8)
        return signs

    @property
    def _balanced(self) -> bool:
        return self.keep == _EVEN and self._order <= _LARGEST_ORDER

    def _grids(self, rng: np.random.Generator, count: int) -> FloatArray:
        """(count, cells, cells) of 0 and 1."""
        return np.asarray(rng.random((count, *[self.cells] * len(self.size))) < self.keep, np.float32)

    def _shift(self, rng: np.random.Generator) -> Shift:
        return tuple(int(rng.integers(0, cell)) for cell in self._cell)

    def _rows(self, shift: Shift) -> list[FloatArray]:
        """For each axis (pixels, cells): how much each cell counts in each pixel."""
        parts = zip(self._stretched, shift, self.size, strict=True)
        return [rows[first : first + extent] for rows, first, extent in parts]

    def _stretch(self, grid: FloatArray, rows: list[FloatArray]) -> FloatArray:
        """(cells, cells) -> (H, W)."""
        if len(rows) != 2:
            volume: FloatArray = self._spread(grid[None], rows)[0]
            return volume
        picture: FloatArray = rows[0] @ (grid @ rows[1].T)  # the same numbers in a quarter of the time
        return picture

    def _spread(self, grids: FloatArray, rows: list[FloatArray]) -> FloatArray:
        """(n, cells, cells) -> (n, pixels, pixels): every product moves its axis to the end."""
        for own in rows:
            grids = np.tensordot(grids, own, axes=(1, 1))
        return grids

    @cached_property
    def _cell(self) -> Size:
        return tuple(-(-extent // self.cells) for extent in self.size)

    @cached_property
    def _points(self) -> list[npt.NDArray[np.intp]]:
        many = _POINTS_A_CELL * self.cells
        return [((np.arange(many) + 0.5) * extent / many).astype(np.intp) for extent in self.size]

    @cached_property
    def _stretched(self) -> list[FloatArray]:
        """For each axis ((cells + 1) * cell, cells): the cells stretched to one more than the image."""
        identity = np.eye(self.cells, dtype=np.float32)
        grown = [cell * (self.cells + 1) for cell in self._cell]
        if self.upsampling == "linear":
            return [resize_map(identity, (extent, self.cells)) for extent in grown]
        # the cell of pixel p is floor(p * cells / extent), as OpenCV has it
        return [identity[np.arange(extent) * self.cells // extent] for extent in grown]
