"""Pictures as users have them: every common kind is read right."""

import hashlib
import struct
import zlib
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image, ImageOps

from misure_onnx.errors import ImageError
from misure_onnx.images import load_image

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
