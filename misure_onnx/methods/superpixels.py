"""Cutting an image into parts: squares, hexagons, or superpixels that follow its edges (SLIC)."""

from collections.abc import Callable
from typing import Literal, get_args

import cv2
import numpy as np
import numpy.typing as npt
from scipy.ndimage import distance_transform_edt
from scipy.spatial import cKDTree

from misure_onnx.mask import components
from misure_onnx.types import FloatArray, Images

Partition = Literal["slic", "hexagons", "grid"]
PARTITIONS: tuple[str, ...] = get_args(Partition)

Labels = npt.NDArray[np.int64]
"""(H, W): the number of each pixel's part, 0 to n - 1; every number occurs."""

Float64 = npt.NDArray[np.float64]

_ITERATIONS = 10
_WHITE = 100.0
"""Channels are scaled so that the image's range is 0 to this, as CIELAB's lightness is where SLIC was defined."""


def superpixels(kind: Partition, image: Images, count: int, compactness: float) -> Labels:
    """About `count` parts of an image (1, C, H, W).

    Args:
        kind: `grid`: squares; `hexagons`: pixels go to the nearest centre of a hexagonal lattice; `slic`: see `_slic`.
        image: only `slic` looks at it.
        count: of parts, about.
        compactness: of `slic`.
    """
    size = (image.shape[2], image.shape[3])
    make: dict[str, Callable[[], Labels]] = {
        "grid": lambda: _nearest(_lattice(size, count, shifted=False), size),
        "hexagons": lambda: _nearest(_lattice(size, count, shifted=True), size),
        "slic": lambda: _slic(image[0], _lattice(size, count, shifted=False), compactness),
    }
    return _consecutive(make[kind]())


def _lattice(size: tuple[int, int], count: int, *, shifted: bool) -> Float64:
    """(k, 2) centres (row, column), evenly spaced; every other row shifted by half a step: hexagons."""
    height, width = size
    row_step = np.sqrt(height * width / count * (np.sqrt(3) / 2 if shifted else 1))
    rows = max(1, round(height / row_step))
    columns = max(1, round(count / rows))
    shift = [0.25 * (-1) ** row if shifted else 0.0 for row in range(rows)]
    return np.array(
        [
            ((row + 0.5) * height / rows - 0.5, (column + 0.5 + shift[row]) * width / columns - 0.5)
            for row in range(rows)
            for column in range(columns)
        ]
    )


def _nearest(centres: Float64, size: tuple[int, int]) -> Labels:
    pixels = np.indices(size).reshape(2, -1).T
    return np.asarray(cKDTree(centres).query(pixels)[1], np.int64).reshape(size)


def _slic(image: FloatArray, centres: Float64, compactness: float) -> Labels:
    """Simple linear iterative clustering (Achanta et al. 2012, TPAMI 34(11)) of a picture (C, H, W).

    k-means in colour and place: the distance between a pixel and a centre is d_c^2 + (m d_xy / S)^2, with S the
    spacing of the centres and m the compactness; a centre competes for the pixels within S of it alone. Ten rounds;
    then all but the largest connected piece of each cluster goes to the nearest cluster. Colours are the network's
    input channels, smoothed a little (standard deviation 1 pixel), their common range scaled to 0 ... 100.
    """
    colors = _scaled(image)
    size = colors.shape[:2]
    spacing = np.sqrt(size[0] * size[1] / len(centres))
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
        for k in np.unique(labels):
            mine = labels == k
            centres[k], own[k] = grid[mine].mean(axis=0), colors[mine].mean(axis=0)
    return _in_one_piece(labels)


def _scaled(image: FloatArray) -> Float64:
    """(H, W, C)."""
    smooth = np.stack([cv2.GaussianBlur(channel, (0, 0), 1) for channel in image], axis=-1)
    spread = float(np.ptp(smooth)) or 1.0
    return np.asarray((smooth - smooth.min()) * (_WHITE / spread), np.float64)


def _in_one_piece(labels: Labels) -> Labels:
    """Pixels outside the largest piece of their part go to the nearest pixel that is inside one."""
    kept = np.zeros(labels.shape, bool)
    for k in np.unique(labels):
        kept |= components(labels == k)[0]
    places = distance_transform_edt(~kept, return_distances=False, return_indices=True)
    return np.asarray(labels[tuple(places)], np.int64)


def _consecutive(labels: Labels) -> Labels:
    return np.asarray(np.unique(labels, return_inverse=True)[1].reshape(labels.shape), np.int64)
