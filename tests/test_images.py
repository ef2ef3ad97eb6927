"""Pictures as users have them: every common kind is read right, everything else is refused by name."""

import hashlib
import os
import struct
import warnings
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image, ImageOps

from misure_onnx.errors import ImageError
from misure_onnx.images import MAX_PIXELS, load_image

SIZE = (12, 18)
_CELLS = np.random.default_rng(5).integers(0, 256, (4, 6, 3), np.uint8)
SMOOTH = np.asarray(cv2.resize(_CELLS, SIZE[::-1], interpolation=cv2.INTER_CUBIC), np.uint8)
RGB = Image.fromarray(SMOOTH)
DEEP = np.asarray((SMOOTH.astype(np.uint16) * 257) ^ 0x5A, np.uint16)


def saved(folder: Path, image: Image.Image, kind: str, **options: Any) -> Path:
    path = folder / f"picture.{kind.lower()}"
    image.save(path, kind, **options)
    return path


def png(width: int, height: int, *chunks: bytes) -> bytes:
    """A PNG of 8-bit RGB whose header says any size."""

    def chunk(kind: bytes, content: bytes) -> bytes:
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))

    header = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0))
    body = b"".join(chunk(b"IDAT", content) for content in chunks)
    return b"\x89PNG\r\n\x1a\n" + header + body + chunk(b"IEND", b"")


def read(path: Path) -> npt.NDArray[Any]:
    return load_image(path).pixels


# What is read


@pytest.mark.parametrize("kind", ["PNG", "BMP", "TIFF", "JPEG", "WEBP"])
def test_a_picture_is_what_pillow_shows(kind: str, tmp_path: Path) -> None:
    path = saved(tmp_path, RGB, kind)
    with Image.open(path) as picture:
        np.testing.assert_array_equal(read(path), np.asarray(picture.convert("RGB")))


COLOUR = {
    "PNG": ("RGBA", "P"),
    "BMP": ("RGBA", "P"),
    "TIFF": ("RGBA", "P", "CMYK", "YCbCr", "RGBX"),
    "JPEG": ("CMYK", "YCbCr", "RGBX"),
    "WEBP": ("RGBA", "P"),
}
GREY = {"PNG": ("L", "LA", "1"), "BMP": ("L", "1"), "TIFF": ("L", "LA", "1"), "JPEG": ("L", "1")}


@pytest.mark.parametrize(("kind", "mode"), [(kind, mode) for kind, modes in COLOUR.items() for mode in modes])
def test_every_colour_mode_becomes_rgb(kind: str, mode: str, tmp_path: Path) -> None:
    path = saved(tmp_path, RGB.convert(mode), kind)
    with Image.open(path) as picture:
        try:
            expected = np.asarray(picture.convert("RGB"))
        except OSError as error:  # YCbCr in TIFF before Pillow 13
            pytest.skip(f"this version of Pillow cannot read what it has written: {error}")
    np.testing.assert_array_equal(read(path), expected)


@pytest.mark.parametrize(("kind", "mode"), [(kind, mode) for kind, modes in GREY.items() for mode in modes])
def test_every_grey_mode_has_one_channel(kind: str, mode: str, tmp_path: Path) -> None:
    path = saved(tmp_path, RGB.convert(mode), kind)
    with Image.open(path) as picture:
        np.testing.assert_array_equal(read(path), np.asarray(picture.convert("L"))[..., None])


def test_a_transparent_palette_keeps_its_colours(tmp_path: Path) -> None:
    indexed = RGB.convert("P")
    np.testing.assert_array_equal(
        read(saved(tmp_path, indexed, "PNG", transparency=3)), np.asarray(indexed.convert("RGB"))
    )


def test_transparency_is_dropped_and_not_blended(tmp_path: Path) -> None:
    transparent = RGB.copy()
    transparent.putalpha(7)
    np.testing.assert_array_equal(read(saved(tmp_path, transparent, "PNG")), SMOOTH)


@pytest.mark.parametrize("extension", [".png", ".tiff"])
@pytest.mark.parametrize("channels", [1, 3, 4])
def test_16_bits_are_kept(channels: int, extension: str, tmp_path: Path) -> None:
    path = tmp_path / f"deep{extension}"
    with_alpha = np.dstack([DEEP, np.full(SIZE, 1000, np.uint16)])
    expected = DEEP[..., :1] if channels == 1 else DEEP
    bgr = {1: DEEP[..., 0], 3: DEEP[..., ::-1], 4: with_alpha[..., [2, 1, 0, 3]]}[channels]
    cv2.imwrite(str(path), np.ascontiguousarray(bgr))
    pixels = read(path)
    assert pixels.dtype == np.uint16
    np.testing.assert_array_equal(pixels, expected)


def _exif(orientation: int) -> bytes:
    exif = Image.Exif()
    exif[0x0112] = orientation
    return exif.tobytes()


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "TIFF"])
def test_every_orientation_is_turned_upright(kind: str, orientation: int, tmp_path: Path) -> None:
    options = {"tiffinfo": {0x0112: orientation}} if kind == "TIFF" else {"exif": _exif(orientation)}
    path = saved(tmp_path, RGB, kind, **options)
    with Image.open(path) as picture:
        upright = np.asarray(ImageOps.exif_transpose(picture))
    assert upright.shape[:2] == (SIZE if orientation < 5 else SIZE[::-1])
    np.testing.assert_array_equal(read(path), upright)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_every_orientation_of_16_bits_is_turned_upright(orientation: int, tmp_path: Path) -> None:
    path = tmp_path / "deep.png"
    content = cv2.imencode(".png", np.ascontiguousarray(DEEP[..., ::-1]))[1].tobytes()
    tag = b"eXIf" + _exif(orientation).removeprefix(b"Exif\0\0")
    chunk = struct.pack(">I", len(tag) - 4) + tag + struct.pack(">I", zlib.crc32(tag))
    path.write_bytes(content[:33] + chunk + content[33:])
    by_channel = [
        np.asarray(ImageOps.exif_transpose(_with_orientation(DEEP[..., channel], orientation))) for channel in range(3)
    ]
    np.testing.assert_array_equal(read(path), np.dstack(by_channel))


def _with_orientation(plane: npt.NDArray[np.uint16], orientation: int) -> Image.Image:
    picture = Image.fromarray(plane)
    picture.getexif()[0x0112] = orientation
    return picture


@pytest.mark.parametrize("orientation", [0, 9, 65535])
def test_an_orientation_that_does_not_exist_is_none(orientation: int, tmp_path: Path) -> None:
    np.testing.assert_array_equal(read(saved(tmp_path, RGB, "PNG", exif=_exif(orientation))), SMOOTH)


def test_the_preview_in_a_telephones_jpeg_is_no_second_page(tmp_path: Path) -> None:
    path = tmp_path / "telephone.jpg"
    RGB.save(path, "MPO", save_all=True, append_images=[RGB.resize((6, 4))], quality=95)
    assert load_image(path).size == SIZE


def test_a_smaller_version_in_a_tiff_is_no_second_page(tmp_path: Path) -> None:
    path = tmp_path / "pyramid.tiff"
    smaller = RGB.resize((9, 6))
    smaller.encoderinfo = {"tiffinfo": {0x00FE: 1}}
    RGB.save(path, "TIFF", save_all=True, append_images=[smaller])
    np.testing.assert_array_equal(read(path), SMOOTH)


def test_names_in_any_alphabet_are_fine(tmp_path: Path) -> None:
    path = saved(tmp_path, RGB, "PNG").rename(tmp_path / "Straße 画像 (1) 'x'.png")
    assert load_image(str(path)).name == path.name


def test_the_content_counts_and_not_the_extension(tmp_path: Path) -> None:
    path = saved(tmp_path, RGB, "PNG").rename(tmp_path / "picture.jpg")
    np.testing.assert_array_equal(read(path), SMOOTH)


def test_the_digest_is_the_files(tmp_path: Path) -> None:
    path = saved(tmp_path, RGB, "PNG")
    assert load_image(path).sha256 == hashlib.sha256(path.read_bytes()).hexdigest()


def test_a_link_to_a_picture_is_followed(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(saved(tmp_path, RGB, "PNG"))
    np.testing.assert_array_equal(read(tmp_path / "link"), SMOOTH)


# Arrays


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_grey_arrays_get_a_channel(dtype: type[np.generic]) -> None:
    image = load_image(np.arange(6, dtype=dtype).reshape(2, 3))
    assert image.pixels.shape == (2, 3, 1)
    assert image.pixels.dtype == dtype
    assert image.rgb.shape == (2, 3, 3)


def test_arrays_of_other_content_shape_or_type_have_other_digests() -> None:
    arrays: list[npt.NDArray[Any]] = [
        np.zeros((2, 3), np.uint8),
        np.zeros((3, 2), np.uint8),
        np.zeros((2, 3), np.uint16),
        np.eye(3, dtype="u1"),
    ]
    assert len({load_image(array).sha256 for array in arrays}) == len(arrays)


@pytest.mark.parametrize(
    ("array", "words"),
    [
        (np.zeros((4, 4), np.float32), "dtype float32"),
        (np.zeros((4, 4), bool), "dtype bool"),
        (np.zeros((4, 4), np.int64), "dtype int64"),
        (np.zeros((1, 4, 4, 3), np.uint8), r"shape \(1, 4, 4, 3\)"),
        (np.zeros(4, np.uint8), r"shape \(4,\)"),
        (np.zeros((0, 4, 3), np.uint8), "4x0 pixels"),
        (np.zeros((1, 4), np.uint8), "4x1 pixels; a segmentation needs at least 2x2"),
    ],
)
def test_other_arrays_are_refused(array: npt.NDArray[Any], words: str) -> None:
    with pytest.raises(ImageError, match=words):
        load_image(array)


def test_an_image_that_is_loaded_is_taken_as_it_is() -> None:
    image = load_image(SMOOTH)
    assert load_image(image) is image


def test_16_bits_are_shown_as_the_upper_8() -> None:
    shown = load_image(np.array([[0, 257], [65535, 32896]], np.uint16)).rgb
    assert shown[..., 0].tolist() == [[0, 1], [255, 128]]


# What is refused


def _truncated(kind: str, keep: float) -> Callable[[Path], Path]:
    def build(folder: Path) -> Path:
        path = saved(folder, RGB, kind)
        content = path.read_bytes()
        path.write_bytes(content[: int(len(content) * keep)])
        return path

    return build


def _content(content: bytes) -> Callable[[Path], Path]:
    def build(folder: Path) -> Path:
        (folder / "picture.png").write_bytes(content)
        return folder / "picture.png"

    return build


def _deep_truncated(folder: Path) -> Path:
    content = cv2.imencode(".png", DEEP)[1].tobytes()
    return _content(content[: len(content) // 2])(folder)


def _of_size(width: int, height: int) -> Callable[[Path], Path]:
    return lambda folder: saved(folder, RGB.resize((width, height)), "PNG")


def _pages(kind: str) -> Callable[[Path], Path]:
    return lambda folder: saved(folder, RGB, kind, save_all=True, append_images=[RGB.rotate(90), RGB.rotate(180)])


def _fifo(folder: Path) -> Path:
    os.mkfifo(folder / "picture.png")
    return folder / "picture.png"


def _not_a_number(folder: Path) -> Path:
    return saved(folder, Image.fromarray(np.where(SMOOTH[..., 0] > 100, np.nan, 1).astype(np.float32)), "TIFF")


def _many_bits(folder: Path) -> Path:
    return saved(folder, Image.fromarray(SMOOTH[..., 0].astype(np.int32) * 70000), "TIFF")


REFUSED: dict[str, tuple[Callable[[Path], Path], str]] = {
    "missing": (lambda folder: folder / "picture.png", "is no existing file"),
    "directory": (lambda folder: folder, "is a directory"),
    "pipe": (_fifo, "is no existing file"),
    "null device": (lambda _: Path(os.devnull), "is no existing file"),
    "a name that is too long": (lambda folder: folder / ("p" * 300), "cannot be read: .*File name too long"),
    "empty": (_content(b""), r"\(0 bytes\) cannot be read; expected a complete file, one of PNG, JPEG"),
    "text": (_content(b"<html>404</html>"), "cannot be read; expected a complete file, one of PNG, JPEG"),
    "random bytes": (_content(np.random.default_rng(0).bytes(999)), "cannot be read"),
    "signature alone": (_content(b"\x89PNG\r\n\x1a\n"), "cannot be read"),
    "zero-sized": (_content(png(0, 5)), "cannot be read|0x5 pixels"),
    "1x1": (_of_size(1, 1), "is 1x1 pixels; a segmentation needs at least 2x2"),
    "1 pixel high": (_of_size(9, 1), "is 9x1 pixels; a segmentation needs at least 2x2"),
    "1 pixel wide": (_of_size(1, 9), "is 1x9 pixels; a segmentation needs at least 2x2"),
    **{
        f"{kind} truncated to {keep:.0%}": (_truncated(kind, keep), "cannot be read; expected a complete file")
        for kind in ("PNG", "JPEG", "BMP", "TIFF", "WEBP")
        for keep in (0.1, 0.5, 0.9)
    },
    "16-bit PNG truncated": (_deep_truncated, "cannot be read; expected a complete file"),
    "PNG without pixels": (_content(png(8, 8)), "cannot be read"),
    "PNG with too few pixels": (_content(png(8, 8, zlib.compress(bytes(40)))), "cannot be read"),
    "GIF": (lambda folder: saved(folder, RGB, "GIF"), "cannot be read; expected .* one of PNG, JPEG, BMP, TIFF, WEBP"),
    "TIFF of numbers that are none": (_not_a_number, "has pixels that are NaN or infinite"),
    "TIFF of 32 bits": (_many_bits, "has int32 pixels; expected uint8, uint16, int16, float32, float64"),
    "TIFF of several pages": (_pages("TIFF"), "several pages or frames; expected one"),
    "animated WebP": (_pages("WEBP"), "several pages or frames; expected one"),
    "animated PNG": (_pages("PNG"), "several pages or frames; expected one"),
    "30000x30000 in the header": (_content(png(30000, 30000, b"")), "too many pixels|900,000,000 pixels"),
    "12000x12000 in the header": (
        _content(png(12000, 12000, b"")),
        f"144,000,000 pixels; at most {MAX_PIXELS:,} are accepted: resize it first",
    ),
}


@pytest.mark.parametrize(("build", "words"), REFUSED.values(), ids=REFUSED.keys())
def test_what_cannot_be_read_is_refused(
    build: Callable[[Path], Path], words: str, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    path = build(tmp_path)
    with pytest.raises(ImageError, match=words):
        load_image(path)
    assert capfd.readouterr() == ("", "")


def test_too_many_pixels_are_refused_before_they_are_decoded(tmp_path: Path) -> None:
    """The header is enough: behind it there are a few bytes that would become 400 MB."""
    path = _content(png(13000, 10000, zlib.compress(bytes(10**6))))(tmp_path)
    assert path.stat().st_size < 2000
    with pytest.raises(ImageError, match="13000x10000 = 130,000,000 pixels"):
        load_image(path)


def test_the_limit_can_be_lowered(tmp_path: Path) -> None:
    path = saved(tmp_path, RGB, "PNG")
    assert load_image(path, max_pixels=SIZE[0] * SIZE[1]).size == SIZE
    with pytest.raises(ImageError, match="at most 215 are accepted"):
        load_image(path, max_pixels=SIZE[0] * SIZE[1] - 1)


def test_damaged_metadata_does_not_warn(tmp_path: Path) -> None:
    path = saved(tmp_path, RGB, "JPEG", exif=b"Exif\0\0II*\0\x08\0\0\0\xff\xff")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert load_image(path).size == SIZE


def test_damaged_files_never_raise_anything_else(tmp_path: Path) -> None:
    """Bytes of every format are overwritten at random: each file is read or refused."""
    rng, path = np.random.default_rng(11), tmp_path / "damaged"
    contents = [saved(tmp_path, RGB, kind).read_bytes() for kind in ("PNG", "JPEG", "BMP", "WEBP")]
    contents.append(cv2.imencode(".png", DEEP)[1].tobytes())
    refused = 0
    for _ in range(400):
        content = bytearray(contents[rng.integers(len(contents))])
        for place in rng.integers(0, len(content), 4):
            content[place] = rng.integers(256)
        path.write_bytes(content)
        try:
            load_image(path)
        except ImageError:
            refused += 1
    assert 0 < refused < 400
