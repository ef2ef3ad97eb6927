"""The files of an explanation: encodings, and writing all or none of them."""

import json
import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from misure_onnx.errors import InputError, OutputError
from misure_onnx.types import Region, SaliencyMap


def encode_json(document: Any) -> bytes:
    """Indented UTF-8; NaN and infinity are refused, since JSON has none."""
    return (json.dumps(document, indent=2, allow_nan=False, ensure_ascii=False) + "\n").encode()


def encode_png(region: Region) -> bytes:
    """Black and white."""
    return bytes(cv2.imencode(".png", region.astype(np.uint8) * 255)[1])


def encode_npy(array: SaliencyMap) -> bytes:
    """NumPy's own format, without pickle."""
    with tempfile.SpooledTemporaryFile(max_size=1 << 28) as file:
        np.save(file, array, allow_pickle=False)
        file.seek(0)
        return file.read()


def write_all(directory: Path, contents: Mapping[str, bytes]) -> Path:
    """Writes all files or none, and returns the directory.

    They are written beside the directory first; explanation.json moves last, so a directory that has it
    is complete.

    Raises:
        OutputError: the directory cannot be written, or the disk is full.
    """
    staging: Path | None = None
    try:
        directory.parent.mkdir(parents=True, exist_ok=True)
        staging = Path(tempfile.mkdtemp(prefix=f".{directory.name}-", dir=directory.parent))
        for name, content in contents.items():
            (staging / name).write_bytes(content)
        directory.mkdir(exist_ok=True)
        (directory / "explanation.json").unlink(missing_ok=True)
        for name in sorted(contents, key=lambda name: name == "explanation.json"):
            (staging / name).replace(directory / name)
    except OSError as error:
        raise OutputError(
            f"the explanation could not be written to {str(directory)!r}: {error.strerror or error}; "
            "choose a directory on a disk with free space that you may write to (--out)"
        ) from error
    finally:
        if staging is not None:
            shutil.rmtree(staging, ignore_errors=True)
    return directory


def read_region(path: Path) -> Region:
    """A mask that `encode_png` wrote."""
    pixels = cv2.imread(str(path), cv2.IMREAD_GRAYSCALE)
    if pixels is None:
        raise InputError(f"{path} is missing or no PNG")
    return np.asarray(pixels > 0)
