"""Rows of an audit in which it is known what the model needs."""

from typing import Any

import numpy as np

from misure_onnx.audit.placement import placement
from misure_onnx.audit.rle import encode

SIZE = (64, 96)


def rows(count: int = 40, *, mark: bool = False, near: bool = True, seed: int = 0) -> list[dict[str, Any]]:
    """Squares at random places; the smaller, the more dilations.

    Args:
        count: images.
        mark: the region also holds a mark in the upper left corner, wherever the object is.
        near: the region also holds a strip just below the object.
        seed: of the places.
    """
    rng = np.random.default_rng(seed)
    found = []
    for number in range(count):
        side = int(rng.integers(8, 20))
        top, left = int(rng.integers(8, SIZE[0] - side - 6)), int(rng.integers(8, SIZE[1] - side))
        prediction = np.zeros(SIZE, bool)
        prediction[top : top + side, left : left + side] = True
        region = prediction.copy()
        region[top + 2 : top + side - 2, left + 2 : left + side - 2] = False
        if near:
            region[top + side : top + side + 3, left : left + side] = True
        if mark:
            region[0:4, 0:6] = True
        place = placement(region, prediction)
        assert place is not None
        found.append(
            {
                "image": f"{number:03}.png",
                "group": None,
                "class_index": 1,
                "class_name": "square",
                "object": 0,
                "method": "misure",
                "size": list(SIZE),
                "centroid": [left + (side - 1) / 2, top + (side - 1) / 2],
                "area_share": side**2 / (SIZE[0] * SIZE[1]),
                "dilations": 20 - side,
                "dice_explained": 0.95 + 0.001 * rng.normal(),
                "perturbation_ratio": float(region.sum() / prediction.sum()),
                "outside_share": place.outside,
                "boundary_share": place.boundary,
                "interior_share": place.interior,
                "outside_distance": place.distance,
                "prediction_rle": encode(prediction),
                "minimal_region_rle": encode(region),
                "error": None,
                "status": "ok",
            }
        )
    return found
