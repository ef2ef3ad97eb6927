"""Where a region lies, compared with the object that it explains."""

from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from misure_onnx.types import Region

BAND = 0.05
"""Half the width of the border's band, as a share of the object's side (the square root, in a volume the cube root, of
its area); at least one pixel."""


@dataclass(frozen=True)
class Placement:
    """Shares of a region. `outside` and `boundary` overlap; the rest of the region is `interior`.

    Attributes:
        outside: outside the prediction, near its border or not.
        boundary: near the prediction's border, on either side.
        interior: inside the prediction, away from its border.
        distance: mean distance of the pixels outside from the object, in the object's sides; 0 where there are none.
    """

    outside: float
    boundary: float
    interior: float
    distance: float


def placement(region: Region, prediction: Region) -> Placement | None:
    """None where one of the two is empty."""
    pixels = int(region.sum())
    if pixels == 0 or not prediction.any():
        return None
    side = float(prediction.sum()) ** (1 / prediction.ndim)
    beyond = _distance(~prediction)
    depth = _distance(prediction)
    near = np.maximum(beyond, depth) <= max(1.0, BAND * side)
    outside = region & ~prediction
    return Placement(
        outside=int(outside.sum()) / pixels,
        boundary=int((region & near).sum()) / pixels,
        interior=int((region & prediction & ~near).sum()) / pixels,
        distance=float(beyond[outside].mean()) / side if outside.any() else 0.0,
    )


def _distance(where: Region) -> "np.ndarray[tuple[int, ...], np.dtype[np.float64]]":
    """Of every pixel in `where` from the nearest one that is not; 0 elsewhere and where all are."""
    if where.all():
        return np.full(where.shape, np.inf)
    return np.asarray(ndimage.distance_transform_edt(where), np.float64)
