"""Where objects really are, as an annotation says it."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from misure_onnx.errors import ImageError
from misure_onnx.images import load_labels
from misure_onnx.sizes import width_first
from misure_onnx.types import Region, Size
from misure_onnx.volumes import is_volume, load_volume

_BINARY: tuple[set[int], ...] = ({0, 1}, {0, 255})


@dataclass(frozen=True, eq=False)
class GroundTruth:
    """An annotation of one image.

    Attributes:
        labels: (H, W), of a volume (D, H, W), whole numbers. Only 0 and 1, or only 0 and 255: binary, everything but 0
            is the object, whatever its class. Any others: a label map, each number the index of a class.
    """

    labels: npt.NDArray[np.int64]

    @property
    def size(self) -> Size:
        """(height, width), of a volume (depth, height, width)."""
        return self.labels.shape

    def region(self, class_index: int) -> Region:
        """(H, W) bool, the pixels of a class."""
        if any(set(np.unique(self.labels).tolist()) <= values for values in _BINARY):
            return np.asarray(self.labels > 0)
        return np.asarray(self.labels == class_index)


TruthLike: TypeAlias = str | Path | npt.NDArray[Any] | GroundTruth
"""A picture of one channel (palettes count as numbers), a NIfTI file, an array (H, W) or (D, H, W) of bool or whole
numbers, or the object."""


def load_truth(truth: TruthLike) -> GroundTruth:
    """An annotation from a file or an array.

    Raises:
        ImageError: unreadable, of several channels, or no array of whole numbers.
    """
    if isinstance(truth, GroundTruth):
        return truth
    labels = _read(Path(truth)) if isinstance(truth, (str, Path)) else np.asarray(truth)
    if labels.ndim not in (2, 3) or labels.dtype.kind not in "bui":
        raise ImageError(
            "a ground truth array must be (H, W), of a volume (D, H, W), bool or whole numbers; "
            f"got shape {labels.shape}, dtype {labels.dtype}"
        )
    return GroundTruth(labels.astype(np.int64))


def truth_of_size(truth: TruthLike, size: Size) -> GroundTruth:
    """The same, of an image of this size.

    Raises:
        ImageError: as `load_truth`, or it has another size.
    """
    loaded = load_truth(truth)
    if loaded.size != size:
        raise ImageError(
            f"the ground truth is {width_first(loaded.size)}, the image {width_first(size)}: "
            "pass a ground truth of the image's size"
        )
    return loaded


def _read(path: Path) -> npt.NDArray[Any]:
    """Labels of a picture, or of a volume."""
    if not is_volume(path):
        return load_labels(path)
    voxels = load_volume(path).voxels
    labels = voxels[..., 0].astype(np.int64)
    if voxels.shape[3] > 1 or not np.array_equal(labels, voxels[..., 0]):
        raise ImageError(f"the ground truth {str(path)!r} must have one channel of whole numbers")
    return labels
