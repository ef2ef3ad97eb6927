"""Small DICOM files, written element by element, of nobody."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy.typing as npt
from pydicom.dataset import Dataset, FileDataset, FileMetaDataset
from pydicom.sequence import Sequence as Items
from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian, generate_uid

Array = npt.NDArray[Any]

NAME = "Nobody^Known"
"""The patient's name in every file: it must be nowhere in what is written."""

OBLIQUE = (0.8, 0.6, 0.0, 0.0, 0.0, -1.0)
"""Directions of a row and of a column."""
SPACING = (0.5, 0.75)
"""Millimetres between rows, and between columns."""


def dataset(stored: Array, **elements: Any) -> FileDataset:
    """A CT image, or (F, H, W) several frames; (H, W, 3) colours. Further elements by keyword; None: left out."""
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID, meta.MediaStorageSOPInstanceUID = CTImageStorage, generate_uid(entropy_srcs=["image"])
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    file = FileDataset("", {}, file_meta=meta, preamble=b"\0" * 128)
    colours = stored.ndim == 3 and stored.shape[2] == 3
    rows, columns = stored.shape[:2] if stored.ndim == 2 or colours else stored.shape[1:]
    bits = stored.dtype.itemsize * 8
    defaults: dict[str, Any] = {
        "SOPClassUID": CTImageStorage,
        "PatientName": NAME,
        "SeriesInstanceUID": "1.2.3",
        "SeriesNumber": 4,
        "Modality": "CT",
        "Rows": rows,
        "Columns": columns,
        "SamplesPerPixel": 3 if colours else 1,
        "PhotometricInterpretation": "RGB" if colours else "MONOCHROME2",
        "PlanarConfiguration": 0 if colours else None,
        "BitsAllocated": bits,
        "BitsStored": bits,
        "HighBit": bits - 1,
        "PixelRepresentation": int(stored.dtype.kind == "i"),
        "NumberOfFrames": None if stored.ndim == 2 or colours else len(stored),
        "PixelData": stored.tobytes(),
    }
    for name, value in {**defaults, **elements}.items():
        if value is not None:
            setattr(file, name, value)
    return file


def save(file: FileDataset, path: Path) -> Path:
    """Writes it."""
    file.save_as(path, enforce_file_format=True)
    return path


def write_series(
    folder: Path, stored: Array, first: Sequence[float], step: Sequence[float], **elements: Any
) -> list[Path]:
    """One file a slice of (slices, rows, columns), named against their order."""
    folder.mkdir(exist_ok=True)
    paths = []
    for k, image in enumerate(stored):
        place = [float(a + k * b) for a, b in zip(first, step, strict=True)]
        file = dataset(
            image,
            **{
                "ImagePositionPatient": place,
                "ImageOrientationPatient": list(OBLIQUE),
                "PixelSpacing": list(SPACING),
                **elements,
            },
        )
        paths.append(save(file, folder / f"{97 - k * 7 % 13:03}-{k}"))
    return paths


def item(**elements: Any) -> Items:
    """A sequence of one item."""
    one = Dataset()
    for name, value in elements.items():
        setattr(one, name, value)
    return Items([one])


def multi_frame(stored: Array, places: Sequence[Sequence[float]], slopes: Sequence[float]) -> FileDataset:
    """An enhanced image: what frames share, and each frame's place and units."""
    shared = item(
        PixelMeasuresSequence=item(PixelSpacing=list(SPACING)),
        PlaneOrientationSequence=item(ImageOrientationPatient=list(OBLIQUE)),
    )
    own = Items(
        [
            item(
                PlanePositionSequence=item(ImagePositionPatient=[float(value) for value in place]),
                PixelValueTransformationSequence=item(RescaleSlope=slope, RescaleIntercept=-10.0),
            )[0]
            for place, slope in zip(places, slopes, strict=True)
        ]
    )
    return dataset(stored, SharedFunctionalGroupsSequence=shared, PerFrameFunctionalGroupsSequence=own)
