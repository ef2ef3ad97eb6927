"""Saliency maps of an audit: 8 bits as PNG, or float32 as NPY."""

from pathlib import Path

import cv2
import numpy as np

from misure_onnx.audit.columns import Row
from misure_onnx.audit.settings import SavedMaps
from misure_onnx.errors import InputError
from misure_onnx.files import encode_npy, encode_stretched, write_whole
from misure_onnx.types import FloatArray, SaliencyMap


def save_map(saliency: SaliencyMap, how: SavedMaps, out: Path, stem: str) -> Row:
    """Writes a map and gives the columns that say where and how.

    Args:
        saliency: (H, W) raw; a volume's (D, H, W) is kept as float32 whatever was asked for, since PNG has two axes.
        how: png, float or none.
        out: the audit's folder.
        stem: of the file's name.
    """
    if how == "none":
        return {}
    folder = f"saliency/{stem[:2]}"
    if how == "float" or saliency.ndim == 3:
        name = f"{folder}/{stem}.npy"
        write_whole(out / name, encode_npy(saliency))
        return {"saliency": name}
    name = f"{folder}/{stem}.png"
    write_whole(out / name, encode_stretched(saliency))
    return {"saliency": name, "saliency_low": float(saliency.min()), "saliency_high": float(saliency.max())}


def load_map(out: Path, row: Row) -> FloatArray:
    """(H, W) the map that a row names, at its raw values; of an 8-bit map to 1/255 of their range.

    Raises:
        InputError: the audit kept none, or the file is missing.
    """
    if not row.get("saliency"):
        raise InputError("this audit kept no saliency maps; run it again with maps")
    place = out / row["saliency"]
    try:
        if place.suffix == ".npy":
            return np.asarray(np.load(place, allow_pickle=False), np.float32)
        grey = cv2.imdecode(np.frombuffer(place.read_bytes(), np.uint8), cv2.IMREAD_GRAYSCALE)
    except (OSError, ValueError, cv2.error) as error:
        raise InputError(f"saliency map {str(place)!r} cannot be read: {error}") from error
    if grey is None:
        raise InputError(f"saliency map {str(place)!r} is no PNG")
    low, high = row["saliency_low"], row["saliency_high"]
    return np.asarray(low + grey.astype(np.float64) / 255 * (high - low), np.float32)
