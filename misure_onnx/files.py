"""Files that are there as a whole or not at all: encodings, one file, and the files of an explanation together."""

import contextlib
import errno
import gzip
import io
import json
import os
import shutil
import tempfile
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from misure_onnx.directory_lock import held
from misure_onnx.errors import InputError, OutputError
from misure_onnx.types import Region, SaliencyMap

_LAST = "explanation.json"
"""A directory that has this file is complete: it goes first and comes last."""


def encode_json(document: Any) -> bytes:
    """Indented UTF-8; NaN and infinity are refused, since JSON has none."""
    return (json.dumps(document, indent=2, allow_nan=False, ensure_ascii=False) + "\n").encode()


def encode_png(region: Region) -> bytes:
    """Black and white."""
    return encode_pixels(region.astype(np.uint8) * np.uint8(255))


def encode_pixels(pixels: npt.NDArray[np.uint8]) -> bytes:
    """(H, W) grey or (H, W, 3) BGR bytes as PNG."""
    return bytes(cv2.imencode(".png", pixels)[1])


def encode_stretched(saliency: SaliencyMap) -> bytes:
    """(H, W) a map as PNG of 8 bits: its lowest value black, its highest white; a constant map black."""
    low, high = float(saliency.min()), float(saliency.max())
    if high <= low:
        return encode_pixels(np.zeros(saliency.shape, np.uint8))
    return encode_pixels(np.rint((saliency.astype(np.float64) - low) / (high - low) * 255).astype(np.uint8))


def encode_rgb(pixels: npt.NDArray[np.uint8]) -> bytes:
    """(H, W, 3) RGB as PNG."""
    return encode_pixels(np.ascontiguousarray(pixels[..., ::-1]))


def encode_jpeg(pixels: npt.NDArray[np.uint8], quality: int) -> bytes:
    """(H, W, 3) RGB as JPEG."""
    return bytes(cv2.imencode(".jpg", pixels[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, quality])[1])


def encode_nifti(array: npt.NDArray[Any], affine: npt.NDArray[np.float64]) -> bytes:
    """A volume (D, H, W) as compressed NIfTI: bool as bytes 0 and 1, else float32.

    Raises:
        OutputError: nibabel is not installed.
    """
    try:
        import nibabel  # noqa: PLC0415 - an extra
    except ImportError as error:
        raise OutputError("writing NIfTI files needs nibabel: pip install 'misure-onnx[medical]'") from error
    stored = array.astype(np.uint8 if array.dtype == bool else np.float32)
    image: Any = nibabel.Nifti1Image(stored, affine)  # type: ignore[no-untyped-call]
    return gzip.compress(image.to_bytes(), mtime=0)


def encode_npy(array: SaliencyMap) -> bytes:
    """NumPy's own format, without pickle."""
    buffer = io.BytesIO()
    np.save(buffer, array, allow_pickle=False)
    return buffer.getvalue()


def write_through(place: Path, content: bytes) -> None:
    """Writes and waits for the disk, so that a name that follows never stands for an empty file."""
    with place.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def write_whole(place: Path, content: bytes) -> None:
    """A file that is there as a whole or not at all.

    Raises:
        OutputError: it cannot be written.
    """
    staging = place.with_name(f".{place.name}.{os.getpid()}")
    try:
        place.parent.mkdir(parents=True, exist_ok=True)
        write_through(staging, content)
        staging.replace(place)
    except OSError as error:
        raise OutputError(f"{str(place)!r} could not be written: {error.strerror or error}") from error
    finally:
        staging.unlink(missing_ok=True)


def check_directory(directory: Path) -> None:
    """Refuses a place that cannot become a directory, before anything is computed.

    Raises:
        OutputError: it, or what it would lie in, is no directory.
    """
    try:
        existing = next(place for place in (directory, *directory.absolute().parents) if place.exists())
        if not existing.is_dir():
            raise OutputError(_refusal(directory, f"{str(existing)!r} is no directory"))
    except OSError as error:
        raise OutputError(_refusal(directory, error.strerror or str(error))) from error


def write_all(directory: Path, contents: Mapping[str, bytes], obsolete: Iterable[str] = ()) -> Path:
    """Writes all files or none, and returns the directory.

    They are written into a directory inside it first, since that is the one place surely on the same disk. Then
    they take the places of earlier files, which come back if anything fails.

    Args:
        directory: is created where it does not exist.
        contents: name -> bytes.
        obsolete: names that an earlier explanation may have left and this one does not have.

    Raises:
        OutputError: the directory cannot be written, or the disk is full.
    """
    created: list[Path] = []
    staging: Path | None = None
    try:
        created = [place for place in (directory, *directory.absolute().parents) if not place.exists()]
        directory.mkdir(parents=True, exist_ok=True)
        staging = Path(tempfile.mkdtemp(prefix=".misure-", dir=directory))
        for name, content in contents.items():
            (staging / name).write_bytes(content)
        with held(directory, wait=True):  # or the files of two runs would mix
            _take_places(staging, directory, set(contents), {*contents, *obsolete})
        created = []
    except (OSError, ValueError) as error:
        raise OutputError(_refusal(directory, getattr(error, "strerror", None) or str(error))) from error
    finally:
        if staging is not None:
            shutil.rmtree(staging, ignore_errors=True)
        for place in created:
            with contextlib.suppress(OSError):  # was not created, or somebody else has put something there
                place.rmdir()
    return directory


def _take_places(staging: Path, directory: Path, names: set[str], outdated: set[str]) -> None:
    """Moves outdated files out and new ones in; where one cannot be moved, all go back."""
    replaced = staging / "replaced"
    replaced.mkdir()
    present = {place.name for place in directory.iterdir()} & outdated
    for name in present:
        if (directory / name).is_dir():
            raise IsADirectoryError(errno.EISDIR, f"{name} is a directory there")
    moves = [(directory / name, replaced / name) for name in sorted(present, key=lambda name: name != _LAST)]
    moves += [(staging / name, directory / name) for name in sorted(names, key=lambda name: name == _LAST)]
    done: list[tuple[Path, Path]] = []
    try:
        for source, destination in moves:
            source.replace(destination)
            done.append((source, destination))
    except BaseException:
        for source, destination in reversed(done):
            destination.replace(source)
        raise


def _refusal(directory: Path, reason: str) -> str:
    return (
        f"the explanation could not be written to {str(directory)!r}: {reason}; "
        "choose a directory on a disk with free space that you may write to (--out)"
    )


def read_nifti_region(path: Path) -> tuple[Region, npt.NDArray[np.float64]]:
    """A region that `encode_nifti` wrote, and its affine.

    Raises:
        InputError: there is none, or nibabel is not installed.
    """
    try:
        import nibabel  # noqa: PLC0415 - an extra

        file: Any = nibabel.load(path)
        return np.asarray(file.dataobj) > 0, np.asarray(file.affine, np.float64)
    except ImportError as error:
        raise InputError("reading NIfTI files needs nibabel: pip install 'misure-onnx[medical]'") from error
    except Exception as error:  # damaged files make readers raise nearly anything
        raise InputError(f"{path} is missing or no NIfTI file: {error}") from error


def read_region(path: Path) -> Region:
    """A mask that `encode_png` wrote.

    Raises:
        InputError: there is none.
    """
    try:
        pixels = cv2.imdecode(np.frombuffer(path.read_bytes(), np.uint8), cv2.IMREAD_GRAYSCALE)
    except (OSError, cv2.error) as error:
        raise InputError(f"{path} is missing or no PNG: {error}") from error
    if pixels is None:
        raise InputError(f"{path} is no PNG")
    return np.asarray(pixels > 0)
