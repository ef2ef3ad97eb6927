"""Volumes from DICOM: the slices of one series, a file each or frames of one file, in the order in which they lie.

Voxels are (columns, rows, slices), as ITK has them; the affine goes to NIfTI's world (right, anterior, superior), which
is DICOM's (left, posterior, superior) with two axes turned round. Geometry: PS3.3 C.7.6.2.1.1.
"""

from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from misure_onnx.dicom import check_pixels, decoded, frames_of, is_dicom, measured, opened, plain_values
from misure_onnx.errors import ImageError
from misure_onnx.types import AnyArray

if TYPE_CHECKING:
    from pydicom.dataset import Dataset

_DIRECTORY = "1.2.840.10008.1.3.10"
"""Storage class of a DICOMDIR file, the table of contents of a medium."""
_LPS_TO_RAS = np.diag([-1.0, -1.0, 1.0, 1.0])
_UNEVEN = 0.1
"""A slice may lie this share of the slices' distance from its place in an even row."""
_SAME_DIRECTION = 1e-3


@dataclass(frozen=True, eq=False)
class Series:
    """A volume as its files have it.

    Attributes:
        voxels: (columns, rows, slices, 1) float32 in the units of the modality; of a NIfTI file (x, y, z, channels).
        affine: (4, 4) from voxel indices to millimetres in NIfTI's world.
        files: those that were read, in the order of the slices.
    """

    voxels: AnyArray
    affine: npt.NDArray[np.float64]
    files: tuple[Path, ...]


@dataclass(frozen=True, eq=False)
class _Slice:
    """Where one image lies, in DICOM's world.

    Attributes:
        path, frame: where its pixels are.
        first: (3,) centre of its first pixel, in millimetres.
        axes: (2, 3) steps, in millimetres, to the next pixel of a row, and of a column.
        size: (rows, columns).
    """

    path: Path
    frame: int
    first: npt.NDArray[np.float64]
    axes: npt.NDArray[np.float64]
    size: tuple[int, int]


def holds_series(path: Path) -> bool:
    """Whether this is a folder with DICOM files, or a DICOM file of several frames."""
    try:
        if path.is_dir():
            return any(is_dicom(entry) for entry in sorted(path.iterdir()))
        if not is_dicom(path):
            return False
        with opened(path, "", header_only=True) as file:
            return frames_of(file) > 1
    except (OSError, ImageError):
        return False  # whoever reads it says what is wrong


def read_series(path: Path, most_voxels: int) -> Series:
    """The one series of a folder, or the frames of a file.

    Raises:
        ImageError: several series, slices that do not make a row, no geometry, colours, too large, damaged; pydicom or
            a decoder is not installed.
    """
    what = f"volume {str(path)!r}"
    files = [entry for entry in sorted(path.iterdir()) if is_dicom(entry)] if path.is_dir() else [path]
    slices = _in_order(_slices(files, what), what)
    rows, columns = slices[0].size
    if rows * columns * len(slices) > most_voxels:
        raise ImageError(f"{what} has {columns}x{rows}x{len(slices)} voxels; at most {most_voxels:,} are accepted")
    voxels = np.empty((len(slices), rows, columns), np.float32)
    sources = tuple(dict.fromkeys(one.path for one in slices))
    for source in sources:
        places = {one.frame: k for k, one in enumerate(slices) if one.path == source}
        with opened(source, what) as file:
            _fill(voxels, places, file, what)
    return Series(voxels.transpose(2, 1, 0)[..., None], _affine(slices), sources)


def _slices(files: list[Path], what: str) -> list[_Slice]:
    found: list[_Slice] = []
    series: Counter[tuple[str, str]] = Counter()
    for path in files:
        with opened(path, what, header_only=True) as file:
            if file.file_meta.get("MediaStorageSOPClassUID") == _DIRECTORY:
                continue
            series[str(file.get("SeriesInstanceUID")), str(file.get("SeriesNumber"))] += 1
            if len(series) == 1:
                check_pixels(file, what)
                found += _slices_of(file, path, what)
    if len(series) > 1:
        listing = ", ".join(f"number {number} ({count} files)" for (_, number), count in series.items())
        raise ImageError(
            f"{what} holds {len(series)} series: {listing}; put the one to explain into a folder of its own"
        )
    return found


def _slices_of(file: "Dataset", path: Path, what: str) -> list[_Slice]:
    if int(file.get("SamplesPerPixel", 1)) != 1 or str(file.PhotometricInterpretation).startswith("PALETTE"):
        raise ImageError(f"{what} has colours ({file.PhotometricInterpretation}); expected measurements (MONOCHROME2)")
    size = int(file.Rows), int(file.Columns)
    try:
        return [
            _Slice(path, frame, plain_values(_place(file, frame, "PlanePositionSequence").ImagePositionPatient),
                   _axes(file, frame), size)
            for frame in range(frames_of(file))
        ]  # fmt: skip
    except (AttributeError, IndexError, KeyError, TypeError) as error:
        raise ImageError(
            f"{what} does not say where its slices lie (ImagePositionPatient, ImageOrientationPatient, PixelSpacing of "
            "each): it is a film or single pictures, no volume; pass one of them, or convert it to NIfTI"
        ) from error


def _axes(file: "Dataset", frame: int) -> npt.NDArray[np.float64]:
    directions = plain_values(_place(file, frame, "PlaneOrientationSequence").ImageOrientationPatient).reshape(2, 3)
    between_rows, between_columns = plain_values(_place(file, frame, "PixelMeasuresSequence").PixelSpacing)
    return np.asarray(directions * [[between_columns], [between_rows]])


def _place(file: "Dataset", frame: int, group: str) -> "Dataset":
    """The item that speaks of a frame: the file itself, where it has one image and no functional groups."""
    if "SharedFunctionalGroupsSequence" not in file:
        if frames_of(file) > 1:
            raise KeyError(group)
        return file
    own, shared = file.PerFrameFunctionalGroupsSequence[frame], file.SharedFunctionalGroupsSequence[0]
    item: Any = (own if group in own else shared)[group][0]
    return item  # type: ignore[no-any-return]


def _in_order(slices: list[_Slice], what: str) -> list[_Slice]:
    """Along their common normal, evenly; anything else is no grid of voxels."""
    if len(slices) < 2:
        raise ImageError(f"{what} has {len(slices)} slice; a volume needs at least 2")
    one = slices[0]
    for other in slices:
        if other.size != one.size or not np.allclose(other.axes, one.axes, atol=_SAME_DIRECTION):
            raise ImageError(
                f"{what} has slices of several sizes, directions or pixel spacings: keep those of one stack"
            )
    normal = np.cross(*one.axes)
    normal /= np.linalg.norm(normal)
    ordered = sorted(slices, key=lambda each: float(each.first @ normal))
    along = np.array([each.first @ normal for each in ordered])
    even = (along[-1] - along[0]) / (len(ordered) - 1)
    gaps = np.diff(along)
    if gaps.min() < _UNEVEN * even or even <= 0:
        raise ImageError(f"{what} has several slices at one place (phases, echoes, repetitions?): keep one of each")
    row = np.linspace(ordered[0].first, ordered[-1].first, len(ordered))
    if np.linalg.norm(row - [each.first for each in ordered], axis=1).max() > _UNEVEN * even:
        raise ImageError(
            f"{what} has slices at uneven distances, {gaps.min():.3g} to {gaps.max():.3g} mm: one is missing, or the "
            "series is no even grid; resample it first"
        )
    return ordered


def _affine(slices: list[_Slice]) -> npt.NDArray[np.float64]:
    """Steps of the two pixel axes and of the slices, which a tilted gantry makes oblique."""
    lps = np.eye(4)
    lps[:3, :2] = slices[0].axes.T
    lps[:3, 2] = (slices[-1].first - slices[0].first) / (len(slices) - 1)
    lps[:3, 3] = slices[0].first
    return np.asarray(_LPS_TO_RAS @ lps)


def _fill(voxels: AnyArray, places: dict[int, int], file: Any, what: str) -> None:
    """The frames of one file, each in the place of its slice."""
    stored = decoded(file, what)
    stored = stored[None] if stored.ndim == 2 else stored
    for frame, place in places.items():
        voxels[place] = measured(file, stored[frame], _units(file, frame))


def _units(file: "Dataset", frame: int) -> "Dataset":
    """Where a frame's modality LUT stands."""
    try:
        return _place(file, frame, "PixelValueTransformationSequence")
    except KeyError:
        return file
