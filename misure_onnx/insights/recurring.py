"""Places of the image, outside the object, that the minimal regions of a class come back to.

A mark in a corner, a border, a ruler: what lies at the same place in every picture can become evidence, though it has
nothing to do with the object. But what lies near objects also recurs where objects recur. So each image's evidence
outside the object is compared with where it would lie if it went with the object: moved as another image's object is.
Evidence that stays in its place while objects move stands out.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from misure_onnx.audit.rle import decode
from misure_onnx.insights.rows import ClassRows
from misure_onnx.types import Region

GRID = 16
DRAWS = 500
LEAST = 8
MOST = 2000
"""Images; of more, the first ones stand for all."""

_LEVEL = 0.05

Grid = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Place:
    """A cell of the 16x16 grid over the image (row and column from 0).

    Attributes:
        share: of the evidence outside the object, mean over the images.
        images: share of the images that have some of it there.
        p: how often the fullest cell of all holds as much, if evidence goes with objects.
    """

    row: int
    column: int
    share: float
    images: float
    p: float


@dataclass(frozen=True, eq=False)
class Recurring:
    """One class.

    Attributes:
        images: that have evidence outside the object.
        mean: (16, 16) mean share of that evidence.
        places: cells with p of at most 0.05, fullest first.
    """

    images: int
    mean: Grid
    places: tuple[Place, ...]


def recurring(known: ClassRows, seed: int) -> Recurring | None:
    """None where fewer than eight images have evidence outside the object, or the class was found in volumes."""
    grids, centres = [], []
    for row in known.rows[:MOST]:
        size = tuple(row["size"])
        if len(size) != 2:
            return None
        outside = decode(row["minimal_region_rle"], size) & ~decode(row["prediction_rle"], size)
        if outside.any():
            grids.append(on_grid(outside))
            x, y = row["centroid"]
            centres.append((y / size[0] * GRID, x / size[1] * GRID))
    if len(grids) < LEAST:
        return None
    return _judged(np.array(grids), np.array(centres), seed)


def on_grid(region: Region) -> Grid:
    """(16, 16) which share of a region's pixels lies in each cell."""
    rows, columns = np.nonzero(region)
    cells = rows * GRID // region.shape[0] * GRID + columns * GRID // region.shape[1]
    return np.bincount(cells, minlength=GRID * GRID).reshape(GRID, GRID) / len(rows)


def _judged(grids: Grid, centres: npt.NDArray[np.float64], seed: int) -> Recurring:
    mean, rng = grids.mean(axis=0), np.random.default_rng(seed)
    fullest = np.array([_moved(grids, centres, rng).max() for _ in range(DRAWS)])
    p = (1 + (fullest[:, None, None] >= mean - 1e-12).sum(axis=0)) / (1 + DRAWS)
    found = [
        Place(int(r), int(c), float(mean[r, c]), float((grids[:, r, c] > 0).mean()), float(p[r, c]))
        for r, c in np.argwhere(p <= _LEVEL)
    ]
    return Recurring(len(grids), mean, tuple(sorted(found, key=lambda place: -place.share)))


def _moved(grids: Grid, centres: npt.NDArray[np.float64], rng: np.random.Generator) -> Grid:
    """The mean of all grids, each moved as far as its object is from that of another image; around the edges."""
    shifts = np.rint(centres[rng.permutation(len(centres))] - centres).astype(int)
    total = np.zeros((GRID, GRID))
    for grid, shift in zip(grids, shifts, strict=True):
        total += np.roll(grid, tuple(shift), axis=(0, 1))
    return total / len(grids)


def sides(known: ClassRows) -> dict[str, float] | None:
    """Where the evidence outside the object lies, seen from its centre: shares above, below, left and right of it.

    Sectors are bounded by the diagonals; means over the images that have such evidence. None where none has.
    """
    shares: list[Sequence[float]] = []
    for row in known.rows[:MOST]:
        size = tuple(row["size"])
        if len(size) != 2:
            return None
        outside = decode(row["minimal_region_rle"], size) & ~decode(row["prediction_rle"], size)
        if outside.any():
            y, x = np.nonzero(outside)
            down, right = y - row["centroid"][1], x - row["centroid"][0]
            vertical = np.abs(down) >= np.abs(right)
            shares.append(
                [float(part.mean()) for part in (vertical & (down < 0), vertical & (down >= 0), ~vertical & (right < 0),
                                                 ~vertical & (right >= 0))]
            )  # fmt: skip
    if not shares:
        return None
    return dict(zip(("above", "below", "left", "right"), np.mean(shares, axis=0).tolist(), strict=True))
