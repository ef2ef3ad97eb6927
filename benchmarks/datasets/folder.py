"""Any folder of images and masks.

    DIR/images/NAME.jpg with DIR/masks/NAME.png, or DIR/NAME.jpg with DIR/NAME_mask.png;
    the same under DIR/training and DIR/validation where both parts are wanted

`DIR/classes.txt` names the classes, a line each, the background first. Without it there is one: a mask's pixels are the
object where they are not 0. With it they are class indices, and 255 is `UNKNOWN`.
"""

from pathlib import Path

import numpy as np

from benchmarks.datasets.labelled import UNKNOWN, LabelledImage, Labels, Part
from misure_onnx.images import load_image, load_labels

SUFFIXES = (".png", ".jpg", ".jpeg", ".bmp", ".tif", ".tiff", ".webp")
_MASK, _NO_CLASS = "_mask", 255


class Folder:
    """Its images, by name.

    Attributes:
        class_names: of classes.txt, or background and object.
    """

    def __init__(self, place: Path, class_names: tuple[str, ...] | None) -> None:
        self.class_names = class_names or ("background", "object")
        self._indexed = class_names is not None
        self._pairs = _pairs(place)

    def __len__(self) -> int:
        return len(self._pairs)

    def __getitem__(self, index: int) -> LabelledImage:
        image, mask = self._pairs[index]
        pixels = load_image(image).pixels
        return LabelledImage(
            image.name, pixels[..., 0] if pixels.shape[2] == 1 else pixels, self._labels(mask), image.name
        )

    def _labels(self, mask: Path) -> Labels:
        numbers = load_labels(mask).astype(np.int64)
        if not self._indexed:
            return (numbers > 0).astype(np.int64)
        labels = np.where(numbers == _NO_CLASS, UNKNOWN, numbers)
        if labels.max() >= len(self.class_names):
            raise ValueError(f"{mask.name} has a class {labels.max()}, classes.txt names {len(self.class_names)}")
        return labels


def open_folder(directory: Path | None, part: Part) -> Folder:
    """One part of a folder; a folder without parts is all validation.

    Raises:
        ValueError: no directory, no such part, or an image without mask.
    """
    if directory is None:
        raise ValueError("a folder of images needs its directory")
    place = directory / part
    if not place.is_dir():
        if part == "training":
            raise ValueError(f"{directory} has no training/: what is trained on must not be measured with")
        place = directory
    listed = directory / "classes.txt"
    names = tuple(listed.read_text(encoding="utf-8").split("\n")) if listed.exists() else ()
    return Folder(place, tuple(name.strip() for name in names if name.strip()) or None)


def _pairs(place: Path) -> list[tuple[Path, Path]]:
    """(image, mask), sorted by name."""
    apart = (place / "images").is_dir()
    images = _pictures(place / "images" if apart else place)
    masks = {path.stem: path for path in _pictures(place / "masks" if apart else place)}
    pairs = []
    for image in images:
        if not apart and image.stem.endswith(_MASK):
            continue
        wanted = image.stem if apart else image.stem + _MASK
        if wanted in masks:
            pairs.append((image, masks[wanted]))
        elif apart:
            raise ValueError(f"{image.name} has no mask {wanted}.png in {place / 'masks'}")
    if not pairs:
        raise ValueError(
            f"{place} has no images with masks: expected images/ and masks/, or NAME.jpg and NAME_mask.png"
        )
    return pairs


def _pictures(place: Path) -> list[Path]:
    return sorted(path for path in place.iterdir() if path.suffix.lower() in SUFFIXES) if place.is_dir() else []
