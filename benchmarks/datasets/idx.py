"""Reader of IDX files, the format of MNIST and its successors (http://yann.lecun.com/exdb/mnist).

Big-endian: two zero bytes, a type byte (8: uint8), the number of axes, one uint32 an axis, then the values.
"""

import gzip
import math
import struct
import zlib
from pathlib import Path

import numpy as np
import numpy.typing as npt

_UINT8 = 8


def read_idx(path: str | Path, axes: int) -> npt.NDArray[np.uint8]:
    """A gzipped IDX file of bytes as an array with `axes` axes, in the file's order: (M, H, W) or (M,).

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: not gzipped, not IDX, not bytes, another number of axes, or of another length than it says.
    """
    try:
        with gzip.open(path) as file:
            content = file.read()
    except (gzip.BadGzipFile, zlib.error, EOFError) as error:
        raise ValueError(f"{path}: expected a gzipped IDX file: {error}") from error
    shape = _shape(content, axes, path)
    start, count = 4 + 4 * axes, math.prod(shape)
    if len(content) - start != count:
        raise ValueError(f"{path}: the header says {shape} = {count} values, the file has {len(content) - start}")
    return np.frombuffer(content, np.uint8, offset=start).reshape(shape).copy()


def _shape(content: bytes, axes: int, path: str | Path) -> tuple[int, ...]:
    """The lengths of the axes that the header declares."""
    if len(content) < 4 or content[:2] != b"\0\0":
        raise ValueError(f"{path}: expected an IDX header (0, 0, type, axes), got {list(content[:4])}")
    if content[2] != _UINT8:
        raise ValueError(f"{path}: expected values of type {_UINT8} (uint8), got type {content[2]}")
    if content[3] != axes:
        raise ValueError(f"{path}: expected {axes} axes, got {content[3]}: is this the other file of the pair?")
    if len(content) < 4 + 4 * axes:
        raise ValueError(f"{path}: the header ends after {len(content)} bytes, {axes} axes need {4 + 4 * axes}")
    return struct.unpack_from(f">{axes}I", content, 4)
