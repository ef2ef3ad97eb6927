"""How well a deployed model finds what is really there."""

from pathlib import Path
from typing import Any

import numpy as np
from tqdm import tqdm

from benchmarks.datasets.labelled import UNKNOWN, Dataset, LabelledImage
from misure_onnx.api import load_segmenter
from misure_onnx.images import load_image
from misure_onnx.mask import resize_region
from misure_onnx.overlap import hard_dice
from misure_onnx.types import Region


def mean_dice(model: Path, dataset: Dataset) -> dict[str, Any]:
    """Mean and smallest Dice over all images and the classes that are in them, as users run the file."""
    segmenter = load_segmenter(model)
    found: dict[str, list[float]] = {}
    for index in tqdm(range(len(dataset)), desc="validation", disable=None, mininterval=5):
        item = dataset[index]
        scores = segmenter.predict(segmenter.prepare(load_image(item.image)))
        for class_index in np.unique(item.labels[item.labels > 0]).tolist():
            predicted = segmenter.spec.head.membership(scores, class_index)[0]
            found.setdefault(dataset.class_names[class_index], []).append(dice_with(item, class_index, predicted))
    values = [dice for dices in found.values() for dice in dices]
    return {
        "images": len(dataset),
        "mean": float(np.mean(values)) if values else None,
        "smallest": float(np.min(values)) if values else None,
        "by_class": {name: float(np.mean(dices)) for name, dices in found.items()},
    }


def dice_with(item: LabelledImage, class_index: int, predicted: Region) -> float:
    """Dice of a prediction, of any size, with the truth, at the truth's size and where that is known."""
    known = item.labels != UNKNOWN
    return float(hard_dice(resize_region(predicted, item.labels.shape) & known, item.labels == class_index))
