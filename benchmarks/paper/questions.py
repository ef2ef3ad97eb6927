"""What is explained: objects that the model predicts on the validation part."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from benchmarks.datasets.labelled import Dataset, LabelledImage, Labels
from benchmarks.datasets.triangle_scenes import TriangleScenes
from benchmarks.paper.truth import dice_with
from misure_onnx.classes import class_index
from misure_onnx.images import load_image
from misure_onnx.segmenter import Segmenter
from misure_onnx.target import Target
from misure_onnx.types import Region

SMALLEST = 16
"""Pixels at the network's size; smaller predictions are left out."""


@dataclass(frozen=True, eq=False)
class Question:
    """One object of one image.

    Attributes:
        name: unique in its column.
        item: the image with its truth.
        class_name: what is explained.
        target: the same for `Method.explain`.
        pixels: of the prediction, at the network's size.
        image_pixels: of the network's input.
        truth_dice: Dice of the prediction with the truth.
        objects: (H, W) Triangle's objects: 1 to 3 form the triangle, the others do not.
    """

    name: str
    item: LabelledImage
    class_name: str
    target: Target
    pixels: int
    image_pixels: int
    truth_dice: float
    objects: Labels | None = None


def questions(segmenter: Segmenter, dataset: Dataset, samples: int, seed: int = 0) -> Iterator[Question]:
    """So many at most, the same number of every class where there are enough, from images in a random order.

    The paper does not say which objects its subsets hold.
    """
    names = dataset.class_names[1:]
    most = {name: samples // len(names) + (number < samples % len(names)) for number, name in enumerate(names)}
    for index in np.random.default_rng(seed).permutation(len(dataset)).tolist():
        if not any(most.values()):
            return
        item = dataset[index]
        scores = segmenter.predict(segmenter.prepare(load_image(item.image)))
        for name in names:
            number = class_index(segmenter.spec, name)
            predicted: Region = segmenter.spec.head.membership(scores, number)[0]
            if most[name] and predicted.sum() >= SMALLEST:
                most[name] -= 1
                objects = dataset.sample(index).objects if isinstance(dataset, TriangleScenes) else None
                yield Question(
                    f"{item.name}, {name}",
                    item,
                    name,
                    Target.from_class(name),
                    int(predicted.sum()),
                    predicted.size,
                    dice_with(item, dataset.class_names.index(name), predicted),
                    objects,
                )


def about_one_object(question: Question) -> Question | None:
    """The same scene, asked about the first of the triangle's three objects; None where it is not predicted."""
    if question.objects is None:
        return None
    mask = question.objects == 1
    return Question(
        f"{question.name}, one object",
        question.item,
        question.class_name,
        Target.from_mask(mask, question.class_name),
        int(mask.sum()),
        question.image_pixels,
        question.truth_dice,
        question.objects,
    )
