"""COCO's run lengths: a binary mask as a short text.

Source: the format of cocoapi's `maskApi.c` (`rleEncode`, `rleToString`): runs of zeros and ones in column-major order,
zeros first; each count from the fourth on as the difference to the one two before; five bits a character, lowest
first, the sixth bit says that more follow, 48 is added.
"""

import numpy as np
import numpy.typing as npt

from misure_onnx.errors import InputError
from misure_onnx.types import Region, Size

_BITS, _MORE, _SIGN, _FIRST = 5, 32, 16, 48
_MOST_CHARACTERS = 13  # 64 bits, five at a time


def encode(region: Region) -> str:
    """The counts of a region (H, W) as COCO's compressed text; of a volume (D, H, W) the same in its own order."""
    return compress(run_lengths(region))


def decode(counts: str, size: Size) -> Region:
    """A region of this size.

    Raises:
        InputError: the runs do not add up to it.
    """
    return from_run_lengths(decompress(counts), size)


def run_lengths(region: Region) -> npt.NDArray[np.int64]:
    """How many zeros, ones, zeros ... follow each other in column-major order."""
    flat = np.concatenate([[False], np.asarray(region, bool).ravel(order="F")])
    changes = np.flatnonzero(flat[1:] != flat[:-1])
    return np.diff(np.concatenate([[0], changes, [region.size]])).astype(np.int64)


def from_run_lengths(counts: npt.NDArray[np.int64], size: Size) -> Region:
    """The region whose run lengths these are.

    Raises:
        InputError: they do not add up to the size.
    """
    if (counts < 0).any() or counts.sum() != np.prod(size):
        raise InputError(f"run lengths of {int(counts.sum()):,} pixels do not fit a mask of {list(size)}")
    values = np.arange(len(counts)) % 2 == 1
    return np.repeat(values, counts).reshape(size, order="F")


def compress(counts: npt.NDArray[np.int64]) -> str:
    """Counts as text."""
    rest = counts.copy()
    rest[3:] -= counts[1:-2]
    characters = np.zeros((len(counts), _MOST_CHARACTERS), np.uint8)
    active = np.ones(len(counts), bool)
    for place in range(_MOST_CHARACTERS):
        group = rest & (_MORE - 1)
        rest >>= _BITS
        more = np.where(group & _SIGN, rest != -1, rest != 0)
        characters[:, place] = np.where(active, group + _MORE * more + _FIRST, 0)
        active &= more
    return characters[characters > 0].tobytes().decode("ascii")


def decompress(text: str) -> npt.NDArray[np.int64]:
    """Text as counts.

    Raises:
        InputError: it is no such text.
    """
    values = np.frombuffer(text.encode(), np.uint8).astype(np.int64) - _FIRST
    if values.size == 0 or values.min() < 0 or values.max() >= 2 * _MORE or values[-1] & _MORE:
        raise InputError(f"{text[:20]!r} is no text of COCO run lengths")
    ends = np.flatnonzero((values & _MORE) == 0)
    starts = np.concatenate([[0], ends[:-1] + 1])
    place = np.arange(len(values)) - np.repeat(starts, ends - starts + 1)
    counts = np.add.reduceat((values & (_MORE - 1)) << (_BITS * place), starts)
    negative = (values[ends] & _SIGN) > 0
    counts -= np.where(negative, np.int64(1) << (_BITS * (place[ends] + 1)), 0)
    counts[1::2] = np.cumsum(counts[1::2])
    counts[2::2] = np.cumsum(counts[2::2])
    return np.asarray(counts, np.int64)
