"""Pictures that cannot be read are refused by name, and never end in another error."""

import os
import warnings
import zlib
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image

from misure_onnx.errors import ImageError
from misure_onnx.images import MAX_PIXELS, load_image
from tests.test_images import DEEP, RGB, SIZE, SMOOTH, png, saved


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
