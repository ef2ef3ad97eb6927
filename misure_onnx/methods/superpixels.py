"""Cutting an image into parts: squares, hexagons, or superpixels that follow its edges (SLIC); a volume likewise."""

import math
from collections.abc import Callable, Iterator
from itertools import product
from typing import Literal, get_args

import numpy as np
import numpy.typing as npt
from scipy.ndimage import distance_transform_edt, find_objects

from misure_onnx.errors import ParameterError
from misure_onnx.mask import components, smoothed
from misure_onnx.types import FloatArray, Images, Size

Partition = Literal["slic", "hexagons", "grid"]
PARTITIONS: tuple[str, ...] = get_args(Partition)

Labels = npt.NDArray[np.int64]
"""(H, W): the number of each pixel's part, 0 to n - 1; every number occurs."""

Float64 = npt.NDArray[np.float64]

_ITERATIONS = 10
_WHITE = 100.0
"""Channels are scaled so that the image's range is 0 to this, as CIELAB's lightness is where SLIC was defined."""


def superpixels(kind: Partition, image: Images, count: int, compactness: float) -> Labels:
    """About `count` parts of an image (1, C, H, W) or a volume (1, C, D, H, W).

    Args:
        kind: `grid`: squares (cubes); `hexagons`: pixels go to the nearest centre of a hexagonal lattice; `slic`: see
            `_slic`.
        image: only `slic` looks at it.
        count: of parts, about.
        compactness: of `slic`.

    Raises:
        ParameterError: hexagons in a volume.
    """
    size = image.shape[2:]
    if kind == "hexagons" and len(size) != 2:
        raise ParameterError("partition: hexagons are for images; for a volume take slic or grid")
    make: dict[str, Callable[[], Labels]] = {
        "grid": lambda: _nearest(_lattice(size, count), size),
        "hexagons": lambda: _nearest(_hexagonal_lattice(size, count), size),
        "slic": lambda: _slic(image[0], _lattice(size, count), compactness),
    }
    return _consecutive(make[kind]())


def _lattice(size: Size, count: int) -> Float64:
    """(k, 2) centres (row, column), of a volume (k, 3), evenly spaced."""
    along = [
        (np.arange(number) + 0.5) * extent / number - 0.5
        for number, extent in zip(_numbers(size, count), size, strict=True)
    ]
    return np.array(list(product(*along)))


def _numbers(size: Size, count: float) -> tuple[int, ...]:
    """How many centres along each axis make about `count`, as far from each other along all of them."""
    step = (math.prod(size) / count) ** (1 / len(size))
    first = max(1, round(count if len(size) == 1 else size[0] / step))
    return (first, *(_numbers(size[1:], count / first) if len(size) > 1 else ()))


def _hexagonal_lattice(size: Size, count: int) -> Float64:
    """(k, 2) centres (row, column), every other row shifted by half a step."""
    height, width = size
    rows = max(1, round(height / np.sqrt(height * width / count * np.sqrt(3) / 2)))
    columns = max(1, round(count / rows))
    return np.array(
        [
            ((row + 0.5) * height / rows - 0.5, (column + 0.5 + 0.25 * (-1) ** row) * width / columns - 0.5)
            for row in range(rows)
            for column in range(columns)
        ]
    )


def _nearest(centres: Float64, size: Size) -> Labels:
    from scipy.spatial import cKDTree  # noqa: PLC0415 - the command line must start fast

    pixels = np.indices(size).reshape(len(size), -1).T
    return np.asarray(cKDTree(centres).query(pixels)[1], np.int64).reshape(size)


def _slic(image: FloatArray, centres: Float64, compactness: float) -> Labels:
    """Simple linear iterative clustering (Achanta et al. 2012, TPAMI 34(11)) of a picture (C, H, W) or a volume.

    k-means in colour and place: the distance between a pixel and a centre is d_c^2 + (m d_xy / S)^2, with S the
    spacing of the centres and m the compactness; a centre competes for the pixels within S of it alone. Ten rounds;
    then all but the largest connected piece of each cluster goes to the nearest cluster. Colours are the network's
    input channels, smoothed a little (standard deviation 1 pixel), their common range scaled to 0 ... 100.
    """
    colors = _scaled(image)
    size = colors.shape[:-1]
    spacing = (math.prod(size) / len(centres)) ** (1 / len(size))
    grid = np.moveaxis(np.indices(size, np.float64), 0, -1)
    own = np.array([colors[tuple(np.rint(centre).astype(int))] for centre in centres])
    labels = _nearest(centres, size)
    for _ in range(_ITERATIONS):
        nearest = np.full(size, np.inf)
        for k, centre in enumerate(centres):
            window = tuple(slice(max(0, int(c - spacing)), int(c + spacing) + 2) for c in centre)
            near = np.square(grid[window] - centre).sum(axis=-1) * (compactness / spacing) ** 2
            distance = np.square(colors[window] - own[k]).sum(axis=-1) + near
            closer = distance < nearest[window]
            nearest[window][closer] = distance[closer]
            labels[window][closer] = k
        for k, box in _boxes(labels):
            mine = labels[box] == k
            centres[k], own[k] = grid[box][mine].mean(axis=0), colors[box][mine].mean(axis=0)
    return _in_one_piece(labels)


def _scaled(image: FloatArray) -> Float64:
    """(H, W, C), of a volume (D, H, W, C)."""
    smooth = np.stack([smoothed(channel, 1) for channel in image], axis=-1)
    spread = float(np.ptp(smooth)) or 1.0
    return np.asarray((smooth - smooth.min()) * (_WHITE / spread), np.float64)


def _in_one_piece(labels: Labels) -> Labels:
    """Pixels outside the largest piece of their part go to the nearest pixel that is inside one."""
    kept = np.zeros(labels.shape, bool)
    for k, box in _boxes(labels):
        kept[box] |= components(labels[box] == k)[0]
    places = distance_transform_edt(~kept, return_distances=False, return_indices=True)
    return np.asarray(labels[tuple(places)], np.int64)


def _boxes(labels: Labels) -> Iterator[tuple[int, tuple[slice, ...]]]:
    """Every part's number and the smallest box around it: looking there alone is faster than everywhere."""
    for k, box in enumerate(find_objects(labels + 1)):
        if box is not None:
            yield k, box


def _consecutive(labels: Labels) -> Labels:
    return np.asarray(np.unique(labels, return_inverse=True)[1].reshape(labels.shape), np.int64)
