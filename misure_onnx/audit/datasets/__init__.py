"""Where the images of an audit come from. One file a format, one line in `FORMATS`, the most special first."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from misure_onnx.audit.datasets import coco, images, manifest, masks, nifti
from misure_onnx.audit.sample import Sample
from misure_onnx.errors import InputError


@dataclass(frozen=True)
class Format:
    """How a data set is recognised and read.

    Attributes:
        summary: what it looks like, for messages and help.
        matches: whether a path looks like it.
        read: path and the folder of the images (None: beside it) -> its images, in an order that does not change.
    """

    summary: str
    matches: Callable[[Path], bool]
    read: Callable[[Path, Path | None], list[Sample]]


FORMATS: dict[str, Format] = {
    "coco": Format("a COCO file (.json)", coco.matches, coco.read),
    "manifest": Format("a table (.csv, .parquet) with a column 'image'", manifest.matches, manifest.read),
    "nifti": Format("a folder of NIfTI files", nifti.matches, nifti.read),
    "masks": Format(
        "a folder of images with masks (images/ and masks/, or X.png and X_mask.png)", masks.matches, masks.read
    ),
    "images": Format("a folder of images", images.matches, images.read),
}


@dataclass(frozen=True)
class Dataset:
    """The images of an audit. Only their names and places are held, never a picture.

    Attributes:
        path: of the folder or file.
        format: in `FORMATS`.
        samples: the images.
        images_folder: where they lie, if not beside the file.
    """

    path: Path
    format: str
    samples: tuple[Sample, ...]
    images_folder: Path | None = None


def load_dataset(path: str | Path, format_name: str | None = None, images_folder: Path | None = None) -> Dataset:
    """The images of a data set.

    Args:
        path: a folder or a file.
        format_name: in `FORMATS`; None: what the path looks like.
        images_folder: where the images of a COCO file or of a table lie; None: beside it.

    Raises:
        InputError: there is none, it holds no image, two images have the same name, or images lie beside volumes and
            the format was left open.
    """
    place = Path(path)
    if format_name is not None and format_name not in FORMATS:
        raise InputError(f"data set format {format_name!r} is unknown; the known ones are {', '.join(FORMATS)}")
    known = "; ".join(form.summary for form in FORMATS.values())
    if not place.exists():
        raise InputError(f"data set {str(place)!r} does not exist; expected one of: {known}")
    name = format_name or _recognised(place)
    if name is None:
        hint = " (for a single image: misure explain)" if place.is_file() else ""
        raise InputError(f"data set {str(place)!r} holds no image that can be read; expected one of: {known}{hint}")
    samples = FORMATS[name].read(place, images_folder)
    if not samples:
        raise InputError(f"data set {str(place)!r} was read as {FORMATS[name].summary} and holds no image")
    _refuse_double_names(samples)
    return Dataset(place, name, tuple(samples), images_folder)


def _recognised(place: Path) -> str | None:
    """The first format that matches. Photos and volumes in one folder are refused: one model reads only either."""
    fitting = [name for name, form in FORMATS.items() if form.matches(place)]
    if {"nifti", "images"} <= set(fitting):
        volumes, pictures = (len(FORMATS[name].read(place, None)) for name in ("nifti", "images"))
        raise InputError(
            f"data set {str(place)!r} holds volumes (NIfTI: {volumes}) and images ({pictures}), and a model reads only "
            f"one of them; say which: --format {' or --format '.join(fitting)}"
        )
    return fitting[0] if fitting else None


def _refuse_double_names(samples: list[Sample]) -> None:
    seen = set[tuple[str, str | None]]()
    for sample in samples:
        mark = (sample.name, sample.class_spec)
        if mark in seen:
            raise InputError(f"image {sample.name!r} is named twice in the data set: every image (and class) once")
        seen.add(mark)
