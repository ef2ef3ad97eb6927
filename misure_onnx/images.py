"""Reading pictures: checked by their header first, decoded with all their bits, turned upright."""

import hashlib
import io
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
import numpy.typing as npt

from misure_onnx.dicom import is_dicom, read_dicom_picture
from misure_onnx.errors import ImageError
from misure_onnx.file_hash import sha256_of
from misure_onnx.geotiff import Georeference, holds_bands, read_bands
from misure_onnx.intensities import stretched
from misure_onnx.types import Picture

if TYPE_CHECKING:
    from PIL.ImageFile import ImageFile

MAX_PIXELS = 100_000_000
"""Larger pictures are refused before they are decoded."""

FORMATS = ("PNG", "JPEG", "BMP", "TIFF", "WEBP")
"""Read by Pillow; DICOM and TIFF of bands beside them, with extras."""

_ORIENTATION_TAG, _BITS_TAG, _SUBFILE_TAG = 0x0112, 0x0102, 0x00FE
_REDUCED_OR_MASK = 0b101
_PNG_DEPTH_BYTE = 24


@dataclass(frozen=True, eq=False)
class LoadedImage:
    """A picture in memory.

    Attributes:
        pixels: (H, W, C), C = 1 (grey) or 3 (RGB) or any number (bands). uint8 or uint16: brightness, from black at 0
            to white at the type's largest number; float32: measurements in a unit of their own (Hounsfield,
            reflectance, ...), which the declared preprocessing has to bring to the network.
        sha256: of the file's bytes, or of the pixels when it came as an array.
        name: the file's name, or "array".
        georeference: of a GeoTIFF.
        alpha: whether the last band is marked as transparency; a network gets it only if it takes so many channels.
    """

    pixels: Picture
    sha256: str
    name: str
    georeference: Georeference | None = None
    alpha: bool = False

    @property
    def size(self) -> tuple[int, int]:
        """(height, width)."""
        return self.pixels.shape[0], self.pixels.shape[1]

    @property
    def measured(self) -> bool:
        """Whether the pixels are measurements."""
        return self.pixels.dtype == np.float32

    @property
    def photograph(self) -> bool:
        """Whether it is a picture as JPEG can hold it: brightness, grey or RGB."""
        return not self.measured and self.pixels.shape[2] in (1, 3)

    @property
    def rgb(self) -> npt.NDArray[np.uint8]:
        """(H, W, 3) uint8 for display: the first three bands, or the first; of measurements from 1 % to 99 %."""
        chosen = self.pixels[..., :3] if self.pixels.shape[2] >= 3 else self.pixels[..., :1]
        if self.measured:
            shown = np.dstack([stretched(band) for band in np.moveaxis(chosen, 2, 0)])
        else:
            shown = chosen if chosen.dtype == np.uint8 else (chosen / 257).astype(np.uint8)
        return np.ascontiguousarray(np.broadcast_to(shown, (*self.size, 3)), np.uint8)


ImageLike: TypeAlias = str | Path | npt.NDArray[Any] | LoadedImage


def load_image(image: ImageLike, max_pixels: int = MAX_PIXELS) -> LoadedImage:
    """A file (PNG, JPEG, BMP, TIFF, WebP, DICOM) or an array (H, W) or (H, W, C), RGB, uint8 or uint16.

    EXIF orientation is honoured; transparency is dropped; palettes, CMYK and YCbCr become RGB. TIFF of several
    bands, of numbers or with a georeference: see `geotiff`; DICOM: see `dicom`.

    Raises:
        ImageError: unreadable, empty, of several pages, smaller than 2x2, of more than `max_pixels` pixels,
            or no image array; an extra that its format needs is not installed.
    """
    if isinstance(image, LoadedImage):
        return image
    if isinstance(image, (str, Path)):
        return _read(Path(image), max_pixels)
    return _from_array(np.asarray(image))


def load_labels(path: Path) -> npt.NDArray[Any]:
    """(H, W) the numbers in a picture of one channel; a palette's numbers, not its colours.

    Raises:
        ImageError: as `load_image`, or its channels differ.
    """
    loaded = load_image(path)  # checks all that can be wrong, and finds the bits
    if loaded.measured or loaded.georeference is not None:
        return _whole_numbers(loaded, path)
    with _opened(io.BytesIO(path.read_bytes()), path) as file:
        if file.mode == "P":
            return np.asarray(file)
    first = loaded.pixels[..., :1]
    if not (loaded.pixels == first).all():
        raise ImageError(
            f"ground truth {str(path)!r} has {loaded.pixels.shape[2]} channels that differ; expected one number a "
            "pixel: a mask, or class indices"
        )
    return np.asarray(first[..., 0])


def _whole_numbers(loaded: LoadedImage, path: Path) -> npt.NDArray[Any]:
    labels = loaded.pixels.astype(np.int64)
    if labels.shape[2] != 1 or not np.array_equal(labels, loaded.pixels):
        raise ImageError(
            f"ground truth {str(path)!r} has {labels.shape[2]} bands of {loaded.pixels.dtype}; expected one band of "
            "whole numbers"
        )
    return np.asarray(labels[..., 0])


def _from_array(array: npt.NDArray[Any]) -> LoadedImage:
    if array.ndim not in (2, 3) or array.dtype not in (np.dtype(np.uint8), np.dtype(np.uint16)):
        raise ImageError(
            "an image array must be (H, W) or (H, W, C), RGB, uint8 (0..255) or uint16; "
            f"got shape {array.shape}, dtype {array.dtype}"
        )
    pixels = np.ascontiguousarray(array if array.ndim == 3 else array[..., None])
    _check_size(pixels.shape[1], pixels.shape[0], "image array")
    digest = hashlib.sha256(f"{pixels.shape}{pixels.dtype}".encode() + pixels.tobytes()).hexdigest()
    return LoadedImage(pixels, digest, "array")


def _read(path: Path, max_pixels: int) -> LoadedImage:
    try:
        if not path.is_file():
            found = "a directory" if path.is_dir() else "no existing file"
            raise ImageError(f"image {str(path)!r} is {found}; expected one of {', '.join(FORMATS)}")
        if is_dicom(path):
            return LoadedImage(read_dicom_picture(path, max_pixels), sha256_of(path), path.name)
        if holds_bands(path):
            bands = read_bands(path, max_pixels)
            return LoadedImage(bands.pixels, sha256_of(path), path.name, bands.georeference, bands.alpha)
        with _opened(path, path) as file:
            _check_header(file, path, max_pixels)
        content = path.read_bytes()
    except OSError as error:
        raise ImageError(f"image {str(path)!r} cannot be read: {error}") from error
    with _opened(io.BytesIO(content), path) as file:
        orientation = 1 if file.format == "TIFF" else file.getexif().get(_ORIENTATION_TAG, 1)  # both turn TIFF alone
        pixels = _deep_pixels(file, content) if _bits(file, content) == 16 else _pixels(file)
    if pixels.dtype not in (np.dtype(np.uint8), np.dtype(np.uint16)):
        raise ImageError(f"image {str(path)!r} has {pixels.dtype} pixels; expected 8 or 16 bits a channel")
    upright = np.ascontiguousarray(_turn(pixels, orientation))
    return LoadedImage(upright, hashlib.sha256(content).hexdigest(), path.name)


@contextmanager
def _opened(source: Path | io.BytesIO, path: Path) -> Iterator["ImageFile"]:
    """The picture, and an `ImageError` for whatever reading it raises."""
    from PIL import Image  # noqa: PLC0415 - the command line must start fast

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of damaged metadata; the number of pixels is checked here
            with Image.open(source, formats=FORMATS) as file:
                yield file
    except ImageError:
        raise
    except Image.DecompressionBombError as error:
        raise ImageError(f"image {str(path)!r} has too many pixels: {error}; resize it first") from error
    except Exception as error:  # damaged files make decoders raise nearly anything
        raise ImageError(
            f"image {str(path)!r} ({path.stat().st_size:,} bytes) cannot be read; expected a complete file, one of "
            f"{', '.join(FORMATS)}: {error}"
        ) from error


def _check_header(file: "ImageFile", path: Path, max_pixels: int) -> None:
    width, height = file.size
    if width * height > max_pixels:
        raise ImageError(
            f"image {str(path)!r} has {width}x{height} = {width * height:,} pixels; at most {max_pixels:,} are "
            "accepted: resize it first"
        )
    _check_size(width, height, f"image {str(path)!r}")
    if _has_several_pages(file):
        raise ImageError(f"image {str(path)!r} has several pages or frames; expected one: save the one to explain")


def _check_size(width: int, height: int, what: str) -> None:
    if width < 2 or height < 2:
        raise ImageError(f"{what} is {width}x{height} pixels; a segmentation needs at least 2x2")


def _has_several_pages(file: "ImageFile") -> bool:
    """Smaller versions and masks inside a TIFF, and the previews that telephones put into a JPEG, do not count."""
    from PIL.TiffImagePlugin import TiffImageFile  # noqa: PLC0415 - the command line must start fast

    if not isinstance(file, TiffImageFile):
        return file.format != "MPO" and getattr(file, "n_frames", 1) > 1
    page = 1
    while True:
        try:
            file.seek(page)
        except EOFError:
            return False
        if not file.tag_v2.get(_SUBFILE_TAG, 0) & _REDUCED_OR_MASK:
            return True
        page += 1


def _bits(file: "ImageFile", content: bytes) -> int:
    """Bits a channel, as far as Pillow's own mode does not tell."""
    from PIL.TiffImagePlugin import TiffImageFile  # noqa: PLC0415 - the command line must start fast

    if file.format == "PNG":
        return content[_PNG_DEPTH_BYTE]
    return int(max(file.tag_v2.get(_BITS_TAG, (1,)))) if isinstance(file, TiffImageFile) else 8


def _pixels(file: "ImageFile") -> Picture:
    """(H, W, 1) or (H, W, 3); transparency is dropped."""
    if file.mode in ("I", "F"):
        return np.asarray(file)
    grey = file.mode in ("1", "L", "LA")
    pixels = np.asarray(file.convert("L" if grey else "RGB"))
    return pixels[..., None] if grey else pixels


def _deep_pixels(file: "ImageFile", content: bytes) -> Picture:
    """Of a file with 16 bits a channel, which Pillow checks, but cuts to 8."""
    import cv2  # noqa: PLC0415 - the command line must start fast

    file.load()
    decoded = cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_UNCHANGED)
    if decoded is None:
        raise ValueError("OpenCV cannot decode it")
    if decoded.ndim == 2 or decoded.shape[2] == 2:
        return np.asarray(decoded.reshape(*decoded.shape[:2], -1)[..., :1])
    return np.asarray(decoded[..., 2::-1])  # BGR(A) -> RGB


def _turn(pixels: Picture, orientation: int) -> Picture:
    """Applies an EXIF orientation (EXIF 2.3, tag 0x0112)."""
    if orientation not in range(1, 9):
        return pixels
    if orientation >= 5:
        pixels = pixels.swapaxes(0, 1)
    if orientation in (3, 4, 7, 8):
        pixels = pixels[::-1]
    if orientation in (2, 3, 6, 7):
        pixels = pixels[:, ::-1]
    return pixels
