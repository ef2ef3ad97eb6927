"""Synapse multi-organ CT (Landman et al. 2015, synapse.org, syn3193805): axial slices with eight organs.

Both forms in use are read:

    DIR/img/img0001.nii.gz, DIR/label/label0001.nii.gz                            as it is distributed
    DIR/train_npz/case0005_slice000.npz, DIR/test_vol_h5/case0001.npy.h5          TransUNet's preprocessing

Intensities are cut to [-125, 275] HU and brought to [0, 1] (Chen et al. 2021), here as 16-bit pictures. The 12 patients
of TransUNet's list are the validation part, the others the training part, as in the paper (18 and 12).
"""

import re
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from benchmarks.datasets.labelled import LabelledImage, Part

ORGANS = ("aorta", "gallbladder", "left kidney", "right kidney", "liver", "pancreas", "spleen", "stomach")
"""In the order of the labels of TransUNet's preprocessed files; a file DIR/organs.txt says so where it is another one:
a name a line, that of label 1 first."""

OFFICIAL = (
    "spleen", "right kidney", "left kidney", "gallbladder", "esophagus", "liver", "stomach", "aorta",
    "inferior vena cava", "portal and splenic vein", "pancreas", "right adrenal gland", "left adrenal gland",
)  # fmt: skip
"""The organs of labels 1 to 13 as it is distributed; those that are not in `ORGANS` become background."""

VALIDATION = frozenset({"0001", "0002", "0003", "0004", "0008", "0022", "0025", "0029", "0032", "0035", "0036", "0038"})
"""Patients of TransUNet's lists/lists_Synapse/test_vol.txt."""

WINDOW = (-125.0, 275.0)
"""Hounsfield units that become 0 and 1."""

Slices: TypeAlias = tuple[npt.NDArray[Any], npt.NDArray[Any]]
_Reader: TypeAlias = Callable[[int], Slices]


class Synapse:
    """One part: all slices of its patients, in order.

    Attributes:
        class_names: background and the eight organs.
    """

    class_names = ("background", *ORGANS)

    def __init__(self, entries: list[tuple[str, str, int, _Reader]], numbering: tuple[str, ...]) -> None:
        self._entries = entries
        ours = {name: number for number, name in enumerate(ORGANS, start=1)}
        self._ours = np.array([0, *(ours.get(name, 0) for name in numbering)], np.int64)

    def __len__(self) -> int:
        return len(self._entries)

    def __getitem__(self, index: int) -> LabelledImage:
        name, patient, number, read = self._entries[index]
        image, labels = read(number)
        numbers = np.rint(labels).astype(np.int64)
        if numbers.min() < 0 or numbers.max() >= len(self._ours):
            raise ValueError(
                f"{name}: labels from {numbers.min()} to {numbers.max()}, expected 0 to {len(self._ours) - 1}: "
                "say in organs.txt which organ each label is"
            )
        return LabelledImage(name, _as_picture(image), self._ours[numbers], patient)


def windowed(hounsfield: npt.NDArray[Any]) -> npt.NDArray[np.float64]:
    """CT values -> [0, 1], linear within `WINDOW`."""
    low, high = WINDOW
    return (np.clip(np.asarray(hounsfield, np.float64), low, high) - low) / (high - low)


def open_synapse(directory: Path | None, part: Part) -> Synapse:
    """One part of whichever form lies in the directory.

    Raises:
        ValueError: no directory, or none of the forms in it.
    """
    if directory is None:
        raise ValueError("Synapse needs its directory, with img/ and label/, or with train_npz/ and test_vol_h5/")
    if (directory / "img").is_dir():
        return Synapse(_scans(directory, part), OFFICIAL)
    entries = _npz_slices(directory / "train_npz", part) + _h5_slices(directory / "test_vol_h5", part)
    if not entries:
        raise ValueError(
            f"{directory} has neither img/img0001.nii.gz nor train_npz/case0005_slice000.npz nor "
            f"test_vol_h5/case0001.npy.h5 of the {part} part"
        )
    listed = directory / "organs.txt"
    named = tuple(listed.read_text(encoding="utf-8").split("\n")) if listed.exists() else ORGANS
    return Synapse(entries, tuple(name.strip() for name in named if name.strip()))


def _belongs(patient: str, part: Part) -> bool:
    return (patient in VALIDATION) == (part == "validation")


def _found(directory: Path, pattern: str, expression: str) -> list[tuple[Path, tuple[str, ...]]]:
    """Files of a name, and the groups of the expression in it."""
    matches = ((path, re.fullmatch(expression, path.name)) for path in sorted(directory.rglob(pattern)))
    return [(path, match.groups()) for path, match in matches if match]


def _scans(directory: Path, part: Part) -> list[tuple[str, str, int, _Reader]]:
    import nibabel  # noqa: PLC0415 - this form alone needs it

    entries: list[tuple[str, str, int, _Reader]] = []
    for path, (patient,) in _found(directory / "img", "img*.nii*", r"img(\d{4})\.nii(?:\.gz)?"):
        if not _belongs(patient, part):
            continue
        relative = path.relative_to(directory / "img")
        labels = directory / "label" / relative.parent / relative.name.replace("img", "label", 1)
        if not labels.exists():
            raise ValueError(f"{path.name} has no {labels}")
        depth = nibabel.load(path).shape[2]  # type: ignore[attr-defined]
        read = _ScanReader(path, labels)
        entries += [(f"case{patient} slice {number:03d}", patient, number, read) for number in range(depth)]
    return entries


class _ScanReader:
    """Slices of a NIfTI file: rows are the file's second axis, columns its first."""

    def __init__(self, image: Path, labels: Path) -> None:
        self._image, self._labels = image, labels

    def __call__(self, number: int) -> Slices:
        scan, labels = _volume(self._image), _volume(self._labels)
        if scan.shape != labels.shape:
            raise ValueError(f"{self._image.name} is {scan.shape}, {self._labels.name} is {labels.shape}")
        return windowed(scan[:, :, number].T), labels[:, :, number].T


@lru_cache(maxsize=2)
def _volume(path: Path) -> npt.NDArray[Any]:
    """A whole scan: a compressed file has no single slices."""
    import nibabel  # noqa: PLC0415 - this form alone needs it

    return np.asarray(nibabel.load(path).dataobj)  # type: ignore[attr-defined]


def _npz_slices(directory: Path, part: Part) -> list[tuple[str, str, int, _Reader]]:
    found = _found(directory, "*.npz", r"case(\d{4})_slice(\d+)\.npz")
    return [
        (f"case{patient} slice {number}", patient, int(number), _NpzReader(path))
        for path, (patient, number) in found
        if _belongs(patient, part)
    ]


class _NpzReader:
    """A slice a file."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def __call__(self, number: int) -> Slices:
        del number  # it is in the file's name
        with np.load(self._path, allow_pickle=False) as arrays:
            return arrays["image"], arrays["label"]


def _h5_slices(directory: Path, part: Part) -> list[tuple[str, str, int, _Reader]]:
    entries: list[tuple[str, str, int, _Reader]] = []
    for path, (patient,) in _found(directory, "*.h5", r"case(\d{4})\.npy\.h5"):
        if _belongs(patient, part):
            read = _H5Reader(path)
            entries += [(f"case{patient} slice {number:03d}", patient, number, read) for number in range(read.depth())]
    return entries


class _H5Reader:
    """Slices of an HDF5 file: datasets `image` and `label`, (D, H, W)."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def depth(self) -> int:
        """Number of slices."""
        import h5py  # noqa: PLC0415 - this form alone needs it

        with h5py.File(self._path) as file:
            return int(file["image"].shape[0])

    def __call__(self, number: int) -> Slices:
        import h5py  # noqa: PLC0415

        with h5py.File(self._path) as file:
            return file["image"][number], file["label"][number]


def _as_picture(unit: npt.NDArray[Any]) -> npt.NDArray[np.uint16]:
    """[0, 1] -> (H, W) 16 bits."""
    if unit.min() < -1e-6 or unit.max() > 1 + 1e-6:
        raise ValueError(f"expected intensities in [0, 1], got {unit.min()} to {unit.max()}: were they windowed?")
    return np.asarray(np.rint(np.clip(unit, 0, 1) * 65535), np.uint16)
