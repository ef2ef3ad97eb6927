"""A COCO file: images, categories, and annotations as polygons or run lengths."""

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from misure_onnx.audit.coco_masks import decode_mask
from misure_onnx.audit.sample import Sample
from misure_onnx.errors import InputError
from misure_onnx.types import Region, Size


def matches(path: Path) -> bool:
    """A file of such a name."""
    return path.is_file() and path.suffix.lower() == ".json"


def read(path: Path, images_folder: Path | None) -> list[Sample]:
    """Every image, in the order of the file, with its annotations.

    Raises:
        InputError: it cannot be read, or has no images.
    """
    document = _document(path)
    folder = images_folder or next((f for f in (path.parent / "images",) if f.is_dir()), path.parent)
    try:
        names = {category["id"]: str(category["name"]) for category in document.get("categories", [])}
        by_image: dict[int, list[Annotation]] = {}
        for one in document.get("annotations", []):
            if one.get("segmentation"):
                found = Annotation(one["category_id"], names.get(one["category_id"]), one["segmentation"])
                by_image.setdefault(one["image_id"], []).append(found)
        annotated = "annotations" in document
        return [
            Sample(
                image["file_name"],
                (folder / image["file_name"],),
                CocoTruth(tuple(by_image.get(image["id"], ()))) if annotated else None,
                number=image["id"],
            )
            for image in document["images"]
        ]
    except (KeyError, TypeError, AttributeError) as error:
        raise InputError(f"{path} is no COCO file: images need id and file_name, annotations image_id, category_id and "
                         f"segmentation; {type(error).__name__}: {error}") from error  # fmt: skip


def _document(path: Path) -> dict[str, Any]:
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise InputError(f"{path} cannot be read as JSON: {error}") from error
    if not isinstance(document, dict) or not isinstance(document.get("images"), list):
        raise InputError(f"{path} is no COCO file: expected an object with the list 'images'")
    return document


@dataclass(frozen=True)
class Annotation:
    """One annotated object: its category by number and name, and `segmentation` as the file has it."""

    category: int
    name: str | None
    segmentation: Any


@dataclass(frozen=True)
class CocoTruth:
    """The annotations of one image. A category is the class of the same name; without names, of the same number."""

    annotations: tuple[Annotation, ...]

    def digest(self) -> str:
        """SHA-256 of the annotations."""
        parts = [[one.category, one.name, one.segmentation] for one in self.annotations]
        return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()

    def region(self, class_index: int, class_name: str | None, size: Size) -> Region:
        """As `Truth.region`: the union of the annotated objects of the class."""
        found = np.zeros(size, bool)
        for one in self.annotations:
            same = one.category == class_index if class_name is None else _same_name(one.name, class_name)
            if same:
                found |= decode_mask(one.segmentation, size)
        return found


def _same_name(category: str | None, class_name: str) -> bool:
    return category is not None and category.casefold() == class_name.casefold()
