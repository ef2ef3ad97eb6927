"""A folder of images with masks: `images/` and `masks/` (or `labels/`, `annotations/`), or X.png beside X_mask.png."""

from pathlib import Path

from misure_onnx.audit.datasets.images import group_below, image_files, name_below
from misure_onnx.audit.sample import Sample, TruthFile

IMAGE_FOLDERS = ("images", "image", "imgs")
MASK_FOLDERS = ("masks", "mask", "labels", "annotations")
ENDING = "_mask"


def matches(path: Path) -> bool:
    """A folder with two such folders in it, or with an image beside its mask."""
    return path.is_dir() and (folders(path) is not None or any(_is_mask(file) for file in image_files(path)))


def read(path: Path, images_folder: Path | None) -> list[Sample]:
    """Every image, with its mask where it has one."""
    del images_folder
    pair = folders(path)
    if pair is None:
        return _side_by_side(path)
    pictures, masks = pair
    by_name = {_stem(mask, masks).removesuffix(ENDING): mask for mask in image_files(masks)}
    return [_sample(file, pictures, by_name.get(_stem(file, pictures))) for file in image_files(pictures)]


def folders(path: Path) -> tuple[Path, Path] | None:
    """The folder of the images and that of the masks; None where there are no two such folders."""
    pictures = next((path / name for name in IMAGE_FOLDERS if (path / name).is_dir()), None)
    masks = next((path / name for name in MASK_FOLDERS if (path / name).is_dir()), None)
    return (pictures, masks) if pictures and masks else None


def _side_by_side(path: Path) -> list[Sample]:
    files = image_files(path)
    by_name = {_stem(file, path).removesuffix(ENDING): file for file in files if _is_mask(file)}
    return [_sample(file, path, by_name.get(_stem(file, path))) for file in files if not _is_mask(file)]


def _is_mask(file: Path) -> bool:
    return file.stem.endswith(ENDING)


def _stem(file: Path, folder: Path) -> str:
    """The name below a folder without its suffix: an image and its mask may have different ones."""
    return file.relative_to(folder).with_suffix("").as_posix()


def _sample(file: Path, folder: Path, mask: Path | None) -> Sample:
    truth = TruthFile(mask) if mask else None
    return Sample(name_below(file, folder), (file,), truth, group_below(file, folder))
