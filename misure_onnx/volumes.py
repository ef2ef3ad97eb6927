"""Reading volumes: NIfTI files and DICOM series with their place in the world kept, one or one a channel."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from misure_onnx.dicom_series import Series, holds_series, read_series
from misure_onnx.errors import ImageError
from misure_onnx.file_hash import sha256_of
from misure_onnx.intensities import Intensities, intensities, stretched
from misure_onnx.sizes import by
from misure_onnx.types import FloatArray

MAX_VOXELS = 512**3
"""Larger volumes are refused before their voxels are read."""

SUFFIXES = (".nii", ".nii.gz")

Affine: TypeAlias = npt.NDArray[np.float64]
"""(4, 4): from voxel indices (first, second, third, 1) to millimetres in the world."""


@dataclass(frozen=True, eq=False)
class LoadedVolume:
    """A volume in memory, its axes in the order of the file (NIfTI: x, y, z; DICOM: column, row, slice).

    Attributes:
        voxels: (D, H, W, C) float32.
        affine: of these voxels.
        intensities: one a channel, of the whole volume, before any crop.
        sha256: of the files' bytes, or of the array.
        name: the (first) file's or folder's name, or "array".
    """

    voxels: FloatArray
    affine: Affine
    intensities: tuple[Intensities, ...]
    sha256: str
    name: str

    @property
    def size(self) -> tuple[int, int, int]:
        """(depth, height, width): the voxels along the first, second and third axis of the file."""
        depth, height, width = self.voxels.shape[:3]
        return depth, height, width

    @property
    def rgb(self) -> npt.NDArray[np.uint8]:
        """(D, H, W, 3) the first channel for display; 1 % of its voxels are cut off at black, 1 % at white."""
        return np.repeat(stretched(self.voxels[..., 0])[..., None], 3, axis=3)

    def cropped(self, origin: Sequence[int], size: Sequence[int]) -> "LoadedVolume":
        """The part that begins at a voxel; its affine is moved, its intensities stay those of the whole.

        Raises:
            ImageError: the part does not lie inside.
        """
        ends = [first + extent for first, extent in zip(origin, size, strict=True)]
        if min(origin) < 0 or any(end > extent for end, extent in zip(ends, self.size, strict=True)):
            raise ImageError(
                f"a part of {by(size)} voxels from {','.join(map(str, origin))} does not lie inside "
                f"{self.name!r} of {by(self.size)} voxels"
            )
        part = tuple(slice(first, end) for first, end in zip(origin, ends, strict=True))
        affine = self.affine.copy()
        affine[:3, 3] += affine[:3, :3] @ np.asarray(origin, np.float64)
        return LoadedVolume(np.ascontiguousarray(self.voxels[part]), affine, self.intensities, self.sha256, self.name)


VolumeLike: TypeAlias = str | Path | Sequence[str | Path] | npt.NDArray[Any] | LoadedVolume


def is_volume(source: object) -> bool:
    """Whether something is read as a volume.

    That is a NIfTI file by its name, a folder of DICOM files, a DICOM file of several frames, several of these, an
    array of rank 4, or a loaded volume.
    """
    if isinstance(source, (str, Path)):
        return str(source).lower().endswith(SUFFIXES) or holds_series(Path(source))
    if isinstance(source, (list, tuple)):
        return all(is_volume(part) for part in source)
    return isinstance(source, LoadedVolume) or (isinstance(source, np.ndarray) and source.ndim == 4)


def load_volume(source: VolumeLike) -> LoadedVolume:
    """A NIfTI file (3-D, or 4-D with channels last), a DICOM series, one a channel, or an array (D, H, W, C).

    Raises:
        ImageError: unreadable, empty, of more than `MAX_VOXELS` voxels, not finite, or channels that do not lie on
            each other; nibabel, or pydicom, is not installed.
    """
    if isinstance(source, LoadedVolume):
        return source
    if isinstance(source, np.ndarray):
        content = f"{source.shape}{source.dtype}".encode() + np.ascontiguousarray(source).tobytes()
        return _volume(source, np.eye(4), hashlib.sha256(content).hexdigest(), "array")
    paths = [Path(part) for part in ([source] if isinstance(source, (str, Path)) else source)]
    read = [_read(path) for path in paths]
    for one, path in zip(read[1:], paths[1:], strict=True):
        if one.voxels.shape[:3] != read[0].voxels.shape[:3] or not np.allclose(one.affine, read[0].affine, atol=1e-3):
            raise ImageError(
                f"{str(path)!r} ({by(one.voxels.shape[:3])} voxels) and {str(paths[0])!r} "
                f"({by(read[0].voxels.shape[:3])}) are not on the same grid: resample one to the other first"
            )
    digest = sha256_of(*(file for one in read for file in one.files))
    voxels = np.concatenate([one.voxels for one in read], axis=3)
    return _volume(voxels, read[0].affine, digest, paths[0].name)


def _read(path: Path) -> Series:
    return read_series(path, MAX_VOXELS) if holds_series(path) else _read_nifti(path)


def _read_nifti(path: Path) -> Series:
    try:
        import nibabel  # noqa: PLC0415 - an extra
    except ImportError as error:
        raise ImageError("reading NIfTI files needs nibabel: pip install 'misure-onnx[medical]'") from error
    if not path.is_file():
        found = "a directory" if path.is_dir() else "no existing file"
        raise ImageError(f"volume {str(path)!r} is {found}; expected a NIfTI file ({', '.join(SUFFIXES)})")
    try:
        file: Any = nibabel.load(path)
        shape = tuple(int(extent) for extent in file.shape)
        _check_shape(shape, f"volume {str(path)!r}")
        voxels = np.asarray(file.dataobj)
        affine = np.asarray(file.affine, np.float64)
    except ImageError:
        raise
    except Exception as error:  # damaged files make readers raise nearly anything
        raise ImageError(
            f"volume {str(path)!r} ({path.stat().st_size:,} bytes) cannot be read; expected a complete NIfTI file: "
            f"{error}"
        ) from error
    return Series(voxels.reshape(*shape[:3], -1), affine, (path,))


def _check_shape(shape: tuple[int, ...], what: str) -> None:
    if len(shape) not in (3, 4):
        raise ImageError(f"{what} has shape {list(shape)}; expected three axes, or four with the channels last")
    if min(shape) < 1 or min(shape[:3]) < 2:
        raise ImageError(f"{what} is {by(shape)} voxels; at least 2 along each axis are needed")
    if np.prod(shape, dtype=np.int64) > MAX_VOXELS:
        raise ImageError(f"{what} has {by(shape)} voxels; at most {MAX_VOXELS:,} are accepted")


def _volume(voxels: npt.NDArray[Any], affine: Affine, digest: str, name: str) -> LoadedVolume:
    _check_shape(voxels.shape, f"volume {name!r}")
    if voxels.dtype.kind not in "iufb":
        raise ImageError(f"volume {name!r} has voxels of type {voxels.dtype}; expected numbers")
    values = np.ascontiguousarray(voxels, np.float32)
    if not np.isfinite(values).all():
        raise ImageError(f"volume {name!r} has voxels that are NaN or infinite: replace them first")
    if not values.any():
        raise ImageError(f"volume {name!r} is empty: every voxel is 0")
    return LoadedVolume(
        values, affine, tuple(intensities(channel) for channel in np.moveaxis(values, 3, 0)), digest, name
    )
