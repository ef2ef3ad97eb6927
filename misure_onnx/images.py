"""Reading pictures: checked by their header first, decoded with all their bits, turned upright."""

import hashlib
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from misure_onnx.errors import ImageError
from misure_onnx.types import Picture

MAX_PIXELS = 100_000_000
"""Larger pictures are refused before they are decoded."""

FORMATS = ("PNG", "JPEG", "BMP", "TIFF", "WEBP")

ImageLike: TypeAlias = "str | Path | npt.NDArray[Any] | LoadedImage"

_ORIENTATION_TAG = 0x0112


@dataclass(frozen=True, eq=False)
class LoadedImage:
    """A picture in memory.

    Attributes:
        pixels: (H, W, C), C = 1 (grey) or 3 (RGB) or more (bands), uint8 or uint16.
        sha256: of the file's bytes, or of the pixels when it came as an array.
        name: the file's name, or "array".
    """

    pixels: Picture
    sha256: str
    name: str

    @property
    def size(self) -> tuple[int, int]:
        """(height, width)."""
        return self.pixels.shape[0], self.pixels.shape[1]

    @property
    def rgb(self) -> npt.NDArray[np.uint8]:
        """(H, W, 3) uint8 for display."""
        shown = self.pixels if self.pixels.dtype == np.uint8 else (self.pixels / 257).astype(np.uint8)
        return np.ascontiguousarray(
            np.broadcast_to(shown[..., :3] if shown.shape[2] >= 3 else shown[..., :1], (*self.size, 3)), np.uint8
        )


def load_image(image: ImageLike, max_pixels: int = MAX_PIXELS) -> LoadedImage:
    """A file (PNG, JPEG, BMP, TIFF or WebP) or an array (H, W) or (H, W, C), RGB, uint8 or uint16.

    EXIF orientation is honoured; transparency is dropped; palettes are expanded.

    Raises:
        ImageError: unreadable, empty, smaller than 2x2, of more than `max_pixels` pixels, or no image array.
    """
    if isinstance(image, LoadedImage):
        return image
    if isinstance(image, (str, Path)):
        return _read(Path(image), max_pixels)
    return _from_array(np.asarray(image))


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
    orientation = _check_header(path, max_pixels)
    content = path.read_bytes()
    pixels = _decode(content, path)
    upright = np.ascontiguousarray(_turn(pixels, orientation))
    return LoadedImage(upright, hashlib.sha256(content).hexdigest(), path.name)


def _check_header(path: Path, max_pixels: int) -> int:
    """The EXIF orientation (1..8) of a file whose header is acceptable."""
    from PIL import Image, UnidentifiedImageError  # noqa: PLC0415 - the command line must start fast

    if not path.is_file():
        raise ImageError(f"image {str(path)!r} is no existing file")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)
            with Image.open(path, formats=FORMATS) as header:
                width, height = header.size
                orientation = header.getexif().get(_ORIENTATION_TAG, 1)
    except Image.DecompressionBombError as error:
        raise ImageError(f"image {path}: {error}; at most {max_pixels:,} pixels are accepted") from error
    except (UnidentifiedImageError, OSError, ValueError, SyntaxError) as error:
        raise ImageError(f"image {path} cannot be read; expected one of {', '.join(FORMATS)}: {error}") from error
    if width * height > max_pixels:
        raise ImageError(
            f"image {path} has {width}x{height} = {width * height:,} pixels; at most {max_pixels:,} are accepted: "
            "resize it first"
        )
    _check_size(width, height, f"image {path}")
    return int(orientation) if orientation in range(1, 9) else 1


def _check_size(width: int, height: int, what: str) -> None:
    if width < 2 or height < 2:
        raise ImageError(f"{what} is {width}x{height} pixels; a segmentation needs at least 2x2")


def _decode(content: bytes, path: Path) -> Picture:
    import cv2  # noqa: PLC0415 - the command line must start fast

    try:
        decoded = cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_UNCHANGED)
    except cv2.error as error:
        raise ImageError(f"image {path} cannot be decoded: {error}") from error
    if decoded is None or decoded.size == 0:
        raise ImageError(f"image {path} cannot be decoded: truncated or damaged")
    if decoded.dtype not in (np.dtype(np.uint8), np.dtype(np.uint16)):
        raise ImageError(f"image {path} has {decoded.dtype} pixels; expected 8 or 16 bits a channel")
    if decoded.ndim == 2:
        return np.asarray(decoded[..., None])
    if decoded.shape[2] == 2:  # grey with transparency
        return np.asarray(decoded[..., :1])
    return np.asarray(decoded[..., 2::-1])  # BGR(A) -> RGB


def _turn(pixels: Picture, orientation: int) -> Picture:
    """Applies an EXIF orientation (EXIF 2.3, tag 0x0112)."""
    if orientation >= 5:
        pixels = pixels.swapaxes(0, 1)
    if orientation in (3, 4, 7, 8):
        pixels = pixels[::-1]
    if orientation in (2, 3, 6, 7):
        pixels = pixels[:, ::-1]
    return pixels
