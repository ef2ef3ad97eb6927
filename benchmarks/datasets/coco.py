"""COCO-2017 (https://cocodataset.org) as it is distributed, with the paper's eight classes.

    DIR/annotations/instances_val2017.json    DIR/val2017/000000000139.jpg    (and train2017)

Only images that hold one of the eight classes. A pixel belongs to the smallest object over it; pixels of a crowd, whose
members are not told apart, are `UNKNOWN`, as COCO's evaluation ignores them.
"""

import json
from collections import defaultdict
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.datasets.labelled import UNKNOWN, LabelledImage, Part
from misure_onnx.audit.coco_masks import decode_mask
from misure_onnx.errors import ImageError
from misure_onnx.images import load_image

CLASSES = ("bus", "car", "cat", "cow", "dog", "bicycle", "person", "train")
"""COCO's names of the paper's Bus, Car, Cat, Cow, Dog, Bike, Person, Train (section 4.1)."""

_FOLDERS: dict[Part, str] = {"training": "train2017", "validation": "val2017"}


class Coco:
    """One part; annotations are read at once, images and masks when they are asked for.

    Attributes:
        class_names: background and the eight.
    """

    class_names = ("background", *CLASSES)

    def __init__(self, directory: Path, part: Part) -> None:
        folder = _FOLDERS[part]
        document = json.loads((directory / "annotations" / f"instances_{folder}.json").read_text(encoding="utf-8"))
        self._images = directory / folder
        self._class_of = _class_of_category(document["categories"])
        self._annotations: dict[int, list[dict[str, Any]]] = defaultdict(list)
        for annotation in document["annotations"]:
            if annotation["category_id"] in self._class_of:
                self._annotations[annotation["image_id"]].append(annotation)
        self._records = sorted(
            (record for record in document["images"] if record["id"] in self._annotations), key=lambda r: int(r["id"])
        )

    def __len__(self) -> int:
        return len(self._records)

    def __getitem__(self, index: int) -> LabelledImage:
        record = self._records[index]
        height, width = record["height"], record["width"]
        pixels = load_image(self._images / record["file_name"]).pixels
        if pixels.shape[:2] != (height, width):
            raise ValueError(f"{record['file_name']} is {pixels.shape[:2]}, the annotations say {(height, width)}")
        return LabelledImage(
            record["file_name"],
            pixels if pixels.shape[2] == 3 else pixels[..., 0],
            self._labels(record["id"], height, width),
            record["file_name"],
        )

    def _labels(self, image_id: int, height: int, width: int) -> Any:
        labels = np.zeros((height, width), np.int64)
        # Crowds first, then objects from large to small: what is drawn later lies above.
        for annotation in sorted(self._annotations[image_id], key=lambda a: (not a.get("iscrowd", 0), -a["area"])):
            try:
                mask = decode_mask(annotation["segmentation"], (height, width))
            except ImageError as error:
                raise ValueError(f"annotation {annotation['id']} of image {image_id}: {error}") from error
            crowd = annotation.get("iscrowd", 0)
            labels[mask] = UNKNOWN if crowd else self._class_of[annotation["category_id"]]
        return labels


def _class_of_category(categories: list[dict[str, Any]]) -> dict[int, int]:
    """COCO's category numbers, which have gaps, to ours."""
    ours = {name: number for number, name in enumerate(CLASSES, start=1)}
    found = {category["id"]: ours[category["name"]] for category in categories if category["name"] in ours}
    if len(found) < len(CLASSES):
        raise ValueError(f"the annotations have {len(found)} of the categories {', '.join(CLASSES)}")
    return found


def open_coco(directory: Path | None, part: Part) -> Coco:
    """One part of COCO-2017.

    Raises:
        ValueError: no directory, a mask that is none, or categories missing.
        FileNotFoundError: the annotations are not there.
    """
    if directory is None:
        raise ValueError("COCO-2017 needs its directory, the one with annotations/ and val2017/")
    return Coco(directory, part)
