"""COCO's files in small: two images, every form of mask, and a crowd."""

import json
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image

from benchmarks.datasets.coco import CLASSES

SIZE = (40, 60)


def counts_of(mask: npt.NDArray[np.bool_]) -> list[int]:
    """Run lengths column by column, zeros first, pixel by pixel."""
    runs, current = [0], False
    for value in mask.T.reshape(-1).tolist():
        if value != current:
            runs.append(0)
            current = value
        runs[-1] += 1
    return runs


def as_text(counts: list[int]) -> str:
    """COCO's text of run lengths, number by number."""
    characters = ""
    for index, count in enumerate(counts):
        value = count - counts[index - 2] if index > 2 else count
        more = True
        while more:
            group, value = value & 0x1F, value >> 5
            more = value not in (0, -1) or (value == -1) != bool(group & 0x10)
            characters += chr(48 + (group | 0x20 if more else group))
    return characters


def write_coco(directory: Path, image: npt.NDArray[np.uint8] | None = None) -> Path:
    """annotations/instances_val2017.json and val2017/, as downloaded."""
    height, width = SIZE
    crowd = np.zeros(SIZE, bool)
    crowd[30:, :10] = True
    person = np.zeros(SIZE, bool)
    person[5:25, 5:12] = True
    annotations = [
        _annotation(1, "bus", [[20.0, 4.0, 50.0, 4.0, 50.0, 24.0, 20.0, 24.0]], 600),
        _annotation(2, "person", {"counts": as_text(counts_of(person)), "size": [height, width]}, 140),
        _annotation(3, "person", {"counts": counts_of(crowd), "size": [height, width]}, 100, crowd=1),
        _annotation(4, "dog", [[30.0, 10.0, 40.0, 10.0, 40.0, 20.0, 30.0, 20.0]], 100),
        _annotation(5, "car", [[0.0, 0.0, 9.0, 0.0, 9.0, 9.0, 0.0, 9.0]], 81, image=9),
    ]
    categories = [{"id": 3 * number, "name": name} for number, name in enumerate(CLASSES, start=1)]
    document = {
        "images": [_record(9), _record(7), _record(8)],
        "annotations": annotations,
        "categories": [*categories, {"id": 90, "name": "toothbrush"}],
    }
    (directory / "annotations").mkdir(parents=True)
    (directory / "val2017").mkdir()
    (directory / "annotations" / "instances_val2017.json").write_text(json.dumps(document), encoding="utf-8")
    pixels = np.zeros((*SIZE, 3), np.uint8) if image is None else image
    for number in (7, 8, 9):
        Image.fromarray(pixels).save(directory / "val2017" / f"{number:012d}.png")
    return directory


def _record(number: int) -> dict[str, object]:
    return {"id": number, "file_name": f"{number:012d}.png", "height": SIZE[0], "width": SIZE[1]}


def _annotation(
    number: int, name: str, segmentation: object, area: float, *, crowd: int = 0, image: int = 7
) -> dict[str, object]:
    category = 3 * (CLASSES.index(name) + 1)
    known = {"id": number, "image_id": image, "category_id": category, "area": area, "iscrowd": crowd}
    return {**known, "segmentation": segmentation}
