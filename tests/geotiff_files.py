"""Small GeoTIFF files."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import tifffile

Tag = tuple[int, int, int, Any, bool]

GEOREFERENCE: tuple[Tag, ...] = (
    (33550, 12, 3, (10.0, 10.0, 0.0), True),
    (33922, 12, 6, (0.0, 0.0, 0.0, 500000.0, 6000000.0, 0.0), True),
    (34735, 3, 16, (1, 1, 0, 3, 1024, 0, 1, 1, 1026, 34737, 7, 0, 3072, 0, 1, 32632), True),
    (34737, 2, 0, "WGS 84|", True),
)
"""Ten metres a pixel in UTM zone 32N: ModelPixelScale, ModelTiepoint, GeoKeyDirectory, GeoAsciiParams."""


def write(
    path: Path,
    pixels: npt.NDArray[Any],
    *,
    interleaving: str = "contig",
    tile: int | None = None,
    georeference: Sequence[Tag] = GEOREFERENCE,
    photometric: str = "minisblack",
    extratags: Sequence[Tag] = (),
    **options: Any,
) -> Path:
    """(H, W, C) as TIFF; `interleaving`: contig (by pixel) or separate (by band)."""
    if pixels.shape[2] > 1:
        options["planarconfig"] = interleaving
    by_band = np.moveaxis(pixels, 2, 0) if interleaving == "separate" else pixels
    tifffile.imwrite(
        path,
        by_band if pixels.shape[2] > 1 else pixels[..., 0],
        photometric=photometric,
        tile=(tile, tile) if tile else None,
        metadata=None,
        extratags=[*georeference, *extratags],
        **options,
    )
    return path
