"""Reading DICOM files: stored values become what the modality says they mean; nothing else leaves the file.

Values: the modality LUT (PS3.3 C.11.1: a table, or stored * RescaleSlope + RescaleIntercept) is applied, so that a CT
has Hounsfield units. The VOI LUT (window) is not: which values matter is the model's business (`clip` of the declared
preprocessing). MONOCHROME1, where small values are white, is turned round within the range of the stored bits. Needs
pydicom, an extra, and for most compressed files a decoder that pydicom finds.
"""

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from misure_onnx.errors import ImageError
from misure_onnx.types import AnyArray, FloatArray, Picture

if TYPE_CHECKING:
    from pydicom.dataset import Dataset, FileDataset

SUFFIXES = (".dcm", ".dicom")

_MAGIC, _MAGIC_AT = b"DICM", 128
_MONOCHROME = ("MONOCHROME1", "MONOCHROME2")
_PALETTE = "PALETTE COLOR"


def is_dicom(path: Path) -> bool:
    """Whether a file says that it is DICOM, by its content or its name."""
    try:
        if not path.is_file():
            return False
        with path.open("rb") as file:
            return file.read(_MAGIC_AT + len(_MAGIC))[_MAGIC_AT:] == _MAGIC or path.suffix.lower() in SUFFIXES
    except OSError:
        return False


def read_dicom_picture(path: Path, most_pixels: int) -> Picture:
    """(H, W, 1) float32 of a monochrome image, in the units of its modality; uint8 where these are 8-bit brightness.

    A colour image (RGB, YBR, palette) is (H, W, 3) RGB, uint8, or uint16 of a palette with 16 bits.

    Raises:
        ImageError: damaged, without an image, of several frames, too large; pydicom or a decoder is not installed.
    """
    what = f"image {str(path)!r}"
    with opened(path, what) as file:
        check_pixels(file, what)
        if frames_of(file) > 1:
            raise ImageError(
                f"{what} has {frames_of(file)} frames; a model that takes images expects one: save that one"
            )
        if file.Rows * file.Columns > most_pixels:
            raise ImageError(f"{what} has {file.Columns}x{file.Rows} pixels; at most {most_pixels:,} are accepted")
        if min(file.Rows, file.Columns) < 2:
            raise ImageError(f"{what} is {file.Columns}x{file.Rows} pixels; a segmentation needs at least 2x2")
        stored = decoded(file, what)
        if file.PhotometricInterpretation in _MONOCHROME:
            return (_brightness(file, stored) if _is_brightness(file) else measured(file, stored))[..., None]
        if stored.dtype not in (np.dtype(np.uint8), np.dtype(np.uint16)):
            raise ImageError(f"{what} has {stored.dtype} colours; expected 8 bits a channel")
        return np.ascontiguousarray(stored[..., :3])


@contextmanager
def opened(path: Path, what: str, *, header_only: bool = False) -> Iterator["FileDataset"]:
    """The data set, and an `ImageError` for whatever reading or decoding it raises."""
    try:
        import pydicom  # noqa: PLC0415 - an extra
    except ImportError as error:
        raise ImageError(f"{what} is DICOM; reading it needs pydicom: pip install 'misure-onnx[medical]'") from error
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of values that break the standard; those that are used are checked
            yield pydicom.dcmread(path, stop_before_pixels=header_only)
    except ImageError:
        raise
    except Exception as error:  # damaged files make readers raise nearly anything
        raise ImageError(
            f"{what} ({path.stat().st_size:,} bytes) cannot be read; expected a complete DICOM file: {error}"
        ) from error


def frames_of(file: "Dataset") -> int:
    """How many images a data set holds."""
    return int(file.get("NumberOfFrames") or 1)


def check_pixels(file: "Dataset", what: str) -> None:
    """Refuses what is no image."""
    if "Rows" not in file or "PhotometricInterpretation" not in file:
        raise ImageError(f"{what} is a DICOM file without an image (a report, a plan, a directory?)")


def decoded(file: "FileDataset", what: str) -> AnyArray:
    """(H, W), (H, W, 3) or, of several frames, (F, H, W): stored values; colours as RGB.

    Raises:
        ImageError: compressed in a way that no installed decoder reads.
    """
    from pydicom.pixels.decoders.base import get_decoder  # noqa: PLC0415 - an extra
    from pydicom.pixels.processing import apply_color_lut  # noqa: PLC0415
    from pydicom.pixels.utils import pixel_array  # noqa: PLC0415

    syntax = file.file_meta.TransferSyntaxUID
    try:
        decoder = get_decoder(syntax)
    except NotImplementedError as error:
        raise ImageError(f"{what} is stored as {syntax.name}, which pydicom does not read") from error
    others = f"{'; '.join(decoder.missing_dependencies)}"
    if not decoder.is_available:
        raise ImageError(f"{what} is compressed ({syntax.name}), and no decoder is installed; one is enough: {others}")
    try:
        stored = pixel_array(file)
    except RuntimeError as error:
        raise ImageError(
            f"{what} is compressed ({syntax.name}) in a way that the installed decoders cannot read, or damaged; "
            f"others are: {others or 'none'}"
        ) from error
    return np.asarray(apply_color_lut(stored, file) if file.PhotometricInterpretation == _PALETTE else stored)


def measured(file: "Dataset", stored: AnyArray, units: "Dataset | None" = None) -> FloatArray:
    """Stored values in the units of the modality.

    Args:
        file: says how they are stored.
        stored: of any shape.
        units: the item with their modality LUT; None: the file itself.
    """
    from pydicom.pixels.processing import apply_modality_lut  # noqa: PLC0415 - an extra

    item = file if units is None else units
    values = np.asarray(apply_modality_lut(stored, item), np.float64)
    if file.PhotometricInterpretation == "MONOCHROME1":
        values = np.asarray(apply_modality_lut(_ends(file), item), np.float64).sum() - values
    return np.asarray(values, np.float32)


def _ends(file: "Dataset") -> npt.NDArray[np.int64]:
    """The smallest and the largest number that the stored bits can be."""
    steps = 2 ** int(file.BitsStored)
    low = -steps // 2 if file.PixelRepresentation else 0
    return np.array([low, low + steps - 1])


def _is_brightness(file: "Dataset") -> bool:
    """Whether the values are 8-bit brightness, as in a photograph, and no measurements."""
    plain = float(file.get("RescaleSlope", 1)) == 1 and float(file.get("RescaleIntercept", 0)) == 0
    stored_so = file.get("BitsStored") == 8 and file.get("PixelRepresentation") == 0
    return plain and stored_so and "ModalityLUTSequence" not in file


def _brightness(file: "Dataset", stored: AnyArray) -> npt.NDArray[np.uint8]:
    pixels = stored.astype(np.uint8)
    return 255 - pixels if file.PhotometricInterpretation == "MONOCHROME1" else pixels


def plain_values(values: Any) -> npt.NDArray[np.float64]:
    """Numbers of an element, as an array."""
    return np.array([float(value) for value in values])
