"""A folder of images, with its sub-folders."""

from collections.abc import Callable
from pathlib import Path

from misure_onnx.audit.sample import Sample

SUFFIXES = (".png", ".jpg", ".jpeg", ".bmp", ".tif", ".tiff", ".webp")


def matches(path: Path) -> bool:
    """A folder with an image somewhere in it."""
    return path.is_dir() and any(is_image(file) for file in path.rglob("*"))


def read(path: Path, images_folder: Path | None) -> list[Sample]:
    """Every image, sorted by name."""
    del images_folder
    return [Sample(name_below(file, path), (file,), group=group_below(file, path)) for file in image_files(path)]


def image_files(folder: Path) -> list[Path]:
    """Every image in a folder and its sub-folders, sorted by their names with slashes."""
    return files_below(folder, is_image)


def files_below(folder: Path, wanted: Callable[[Path], bool]) -> list[Path]:
    """The wanted files in a folder and its sub-folders, sorted by their names with slashes."""
    return sorted((file for file in folder.rglob("*") if wanted(file)), key=lambda file: file.as_posix())


def is_image(file: Path) -> bool:
    """By its name; hidden files are none."""
    return file.suffix.lower() in SUFFIXES and not file.name.startswith(".")


def name_below(file: Path, folder: Path) -> str:
    """The path below a folder, with slashes."""
    return file.relative_to(folder).as_posix()


def group_below(file: Path, folder: Path) -> str | None:
    """The first folder below the data set's, as patients often have one each; None for files directly in it."""
    parts = file.relative_to(folder).parts
    return parts[0] if len(parts) > 1 else None
