"""TIFF files of bands or measurements, and their place on earth (GeoTIFF, OGC 19-008r4), kept in what is written.

Reading the pixels and writing need tifffile, an extra; whether a file is one of these is told without it.
"""

import io
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from misure_onnx.errors import ImageError, InputError, OutputError
from misure_onnx.types import AnyArray

PIXEL_TYPES = ("uint8", "uint16", "int16", "float32", "float64")

_BITS, _PHOTOMETRIC, _ORIENTATION, _EXTRA, _FORMAT = 258, 262, 274, 338, 339
_SCALE, _TIEPOINT, _TRANSFORMATION, _KEYS, _DOUBLES, _TEXTS = 33550, 33922, 34264, 34735, 34736, 34737
_GEOREFERENCE = (_SCALE, _TIEPOINT, _TRANSFORMATION, _KEYS, _DOUBLES, _TEXTS)
_GREY, _RGB, _YCBCR = (0, 1), 2, 6
_JPEG = 7
_UNSPECIFIED, _ALPHA = 0, (1, 2)
_UNSIGNED = 1
_NEEDS = "needs tifffile: pip install 'misure-onnx[geo]'"


@dataclass(frozen=True)
class Georeference:
    """Where a picture lies on earth: the GeoTIFF tags of its file, as they were.

    Attributes:
        tags: (code, TIFF data type, values) of ModelPixelScale, ModelTiepoint, ModelTransformation, GeoKeyDirectory,
            GeoDoubleParams and GeoAsciiParams, those that are there.
    """

    tags: tuple[tuple[int, int, Any], ...]


@dataclass(frozen=True, eq=False)
class Bands:
    """What such a file holds.

    Attributes:
        pixels: (H, W, C); uint8, or float32 where the file has any other numbers, unchanged.
        georeference: None where it has none.
        alpha: whether the last band is marked as transparency.
    """

    pixels: AnyArray
    georeference: Georeference | None
    alpha: bool


def holds_bands(path: Path) -> bool:
    """Whether a file is a TIFF of more than a picture: several bands, signed numbers or floats, a georeference."""
    try:
        tags = _first_tags(path)
    except Exception:  # noqa: BLE001 - a damaged file: whoever reads it as a picture says so
        return False
    if tags is None:
        return False
    extra = tags.get(_EXTRA, ())
    colours = 3 if tags.get(_PHOTOMETRIC) == _RGB else 1
    beside_grey = tags.get(_PHOTOMETRIC) in _GREY and _UNSPECIFIED in extra
    many = len(tags.get(_BITS, (1,))) > colours + 1 and tags.get(_PHOTOMETRIC) in (*_GREY, _RGB)
    numbers = any(kind != _UNSIGNED for kind in tags.get(_FORMAT, (_UNSIGNED,)))
    return _KEYS in tags or beside_grey or many or numbers


def read_bands(path: Path, most_pixels: int) -> Bands:
    """Every band of a TIFF of one page, pixel- or band-interleaved, in strips or tiles.

    Raises:
        ImageError: damaged, of several pages, too large, turned or of other numbers than `PIXEL_TYPES`, or not finite;
            tifffile is not installed.
    """
    what = f"image {str(path)!r}"
    try:
        import tifffile  # noqa: PLC0415 - an extra
    except ImportError as error:
        raise ImageError(f"{what} has bands, measurements or a georeference; reading them {_NEEDS}") from error
    try:
        with tifffile.TiffFile(path) as file:
            page = _only_page(file, what)
            _check(page, what, most_pixels)
            tags = {int(tag.code): (int(tag.dtype), tag.value) for tag in page.tags}
            pixels = page.asarray()
    except ImageError:
        raise
    except Exception as error:  # damaged files make decoders raise nearly anything
        if find_spec("imagecodecs") is None and "imagecodecs" in str(error):
            raise ImageError(f"{what} is compressed; {error}: pip install 'misure-onnx[geo]'") from error
        raise ImageError(
            f"{what} ({path.stat().st_size:,} bytes) cannot be read; expected a complete TIFF: {error}"
        ) from error
    pixels = np.moveaxis(pixels, 0, -1) if page.axes == "SYX" else pixels.reshape(*pixels.shape[:2], -1)
    extra = tuple(int(kind) for kind in page.extrasamples)
    alpha = pixels.shape[2] > 1 and bool(extra) and extra[-1] in _ALPHA
    return Bands(_numbers(pixels, what), _georeference(tags), alpha)


def encode_geotiff(array: npt.NDArray[Any], georeference: Georeference) -> bytes:
    """(H, W) or one (H, W) a band: (C, H, W), as compressed GeoTIFF: bool as bytes 0 and 1, else float32.

    Raises:
        OutputError: tifffile is not installed.
    """
    try:
        import tifffile  # noqa: PLC0415 - an extra
    except ImportError as error:
        raise OutputError(f"writing GeoTIFF {_NEEDS}") from error
    buffer = io.BytesIO()
    tifffile.imwrite(
        buffer,
        array.astype(np.uint8 if array.dtype == bool else np.float32),
        photometric="minisblack",
        planarconfig="separate" if array.ndim == 3 else None,
        compression="zlib",
        metadata=None,
        software=False,
        extratags=[(code, kind, _count(values), values, True) for code, kind, values in georeference.tags],
    )
    return buffer.getvalue()


def read_georeference(path: Path) -> Georeference | None:
    """That of a file that `encode_geotiff` wrote.

    Raises:
        InputError: it cannot be read, or tifffile is not installed.
    """
    try:
        import tifffile  # noqa: PLC0415 - an extra

        with tifffile.TiffFile(path) as file:
            return _georeference({int(tag.code): (int(tag.dtype), tag.value) for tag in file.pages.first.tags})
    except ImportError as error:
        raise InputError(f"reading GeoTIFF {_NEEDS}") from error
    except Exception as error:  # damaged files make readers raise nearly anything
        raise InputError(f"{path} is no GeoTIFF: {error}") from error


def _first_tags(path: Path) -> Mapping[int, Any] | None:
    """The tags of a TIFF's first page, by Pillow's reader; None: no TIFF."""
    from PIL.TiffImagePlugin import ImageFileDirectory_v2  # noqa: PLC0415 - the command line must start fast

    if not path.is_file():
        return None
    with path.open("rb") as file:
        header = file.read(16)
        if header[:4] not in (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+"):
            return None
        directory = ImageFileDirectory_v2(header if b"+" in header[:4] else header[:8])
        file.seek(directory.next)
        directory.load(file)
        return directory


def _only_page(file: Any, what: str) -> Any:
    """Smaller versions and masks of the first page do not count."""
    own = [page for page in file.pages if not (page.is_reduced or page.is_mask)]
    if len(own) != 1:
        raise ImageError(f"{what} has several pages or frames; expected one: save the one to explain")
    return own[0]


def _check(page: Any, what: str, most_pixels: int) -> None:
    width, height, bands = int(page.imagewidth), int(page.imagelength), int(page.samplesperpixel)
    if width * height > most_pixels or width * height * bands > 3 * most_pixels:
        raise ImageError(
            f"{what} has {width}x{height} pixels of {bands} bands; at most {most_pixels:,} pixels, or three times as "
            "many numbers, are accepted: resize it first"
        )
    if width < 2 or height < 2:
        raise ImageError(f"{what} is {width}x{height} pixels; a segmentation needs at least 2x2")
    if page.axes not in ("YX", "YXS", "SYX"):
        raise ImageError(f"{what} has axes {page.axes}; expected rows, columns and bands")
    if str(page.dtype) not in PIXEL_TYPES:
        raise ImageError(f"{what} has {page.dtype} pixels; expected {', '.join(PIXEL_TYPES)}")
    as_jpeg = int(page.photometric) == _YCBCR and int(page.compression) == _JPEG
    if int(page.photometric) not in (*_GREY[1:], _RGB) and not as_jpeg:
        raise ImageError(f"{what} stores {page.photometric.name} samples; expected MINISBLACK (numbers) or RGB")
    if _ORIENTATION in page.tags and int(page.tags[_ORIENTATION].value) != 1:
        raise ImageError(f"{what} is stored turned (orientation {page.tags[_ORIENTATION].value}): save it upright")


def _numbers(pixels: AnyArray, what: str) -> AnyArray:
    if pixels.dtype == np.uint8:
        return np.ascontiguousarray(pixels)
    numbers = np.ascontiguousarray(pixels, np.float32)
    if not np.isfinite(numbers).all():
        raise ImageError(f"{what} has pixels that are NaN or infinite (no data?): replace them first")
    return numbers


def _georeference(tags: Mapping[int, tuple[int, Any]]) -> Georeference | None:
    found = tuple((code, *tags[code]) for code in _GEOREFERENCE if code in tags)
    return Georeference(found) if _KEYS in tags else None


def _count(values: Any) -> int:
    """How many values a tag has; of a text tifffile counts itself."""
    return 0 if isinstance(values, (str, bytes)) else len(values) if isinstance(values, tuple) else 1
