"""Uploaded pictures, judged by their header: nothing is decoded in the server."""

import io
import warnings

from PIL import Image

from misure_onnx.service.problem import Problem

FORMATS = ("PNG", "JPEG")


def check_picture(content: bytes, most_pixels: int) -> None:
    """Refuses what is no picture, or is too large to be decoded.

    Raises:
        Problem: 415 of another format, 413 of too many pixels.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of damaged metadata and many pixels, which are counted here
            with Image.open(io.BytesIO(content), formats=FORMATS) as picture:
                width, height = picture.size
    except Image.DecompressionBombError as error:
        raise _too_many("hundreds of millions of pixels", most_pixels) from error
    except Exception as error:  # damaged files make decoders raise nearly anything
        raise Problem(415, f"image: expected a picture, {' or '.join(FORMATS)}, got {len(content):,} bytes that are "
                      "none") from error  # fmt: skip
    if width * height > most_pixels:
        raise _too_many(f"{width}x{height} = {width * height:,} pixels", most_pixels)


def _too_many(what: str, most_pixels: int) -> Problem:
    return Problem(413, f"image: {what}; at most {most_pixels:,} are accepted: resize it first")
