"""What the map of each input channel says of one object, in numbers. Any number of spatial axes."""

import numpy as np
from scipy.ndimage import distance_transform_edt

from misure_onnx.records import ChannelRecord, Channels
from misure_onnx.types import BoolArray, FloatArray


def channel_numbers(maps: FloatArray, region: BoolArray, units: str, ring: int) -> Channels:
    """Peaks and where the mass lies, channel by channel.

    Args:
        maps: (C, ...), signed.
        region: (...), the object.
        units: of the maps.
        ring: how far, in pixels (Euclidean), the surroundings reach.
    """
    distance = np.asarray(distance_transform_edt(~region)) if region.any() else np.full(region.shape, np.inf)
    around = ~region & (distance <= ring)
    masses = [float(np.abs(own).sum(dtype=np.float64)) for own in maps]
    total = sum(masses)
    records = []
    for own, mass in zip(maps, masses, strict=True):
        inside, near = (_share(own[part], mass) for part in (region, around))
        records.append(
            ChannelRecord(
                peak_positive=float(max(own.max(), 0)),
                peak_negative=float(min(own.min(), 0)),
                share=mass / total if total else 0.0,
                inside=inside,
                ring=near,
                outside=max(0.0, 1 - inside - near) if mass else 0.0,
            )
        )
    return Channels(units, ring, tuple(records))


def _share(values: FloatArray, mass: float) -> float:
    return float(np.abs(values).sum(dtype=np.float64)) / mass if mass else 0.0
