"""Detected, false and missed objects, by the rule of Spagnolo et al. (*Instance-level quantitative saliency*).

Any number of spatial axes.
"""

import dataclasses
from dataclasses import dataclass
from typing import Literal

import numpy as np
from scipy.ndimage import generate_binary_structure, label

from misure_onnx.errors import TargetError
from misure_onnx.segmenter import SegmenterSpec
from misure_onnx.target import ResolvedTarget
from misure_onnx.types import BoolArray

Group = Literal["detected", "false", "missed"]

CONNECTIVITY, MIN_SIZE = 2, 6
"""The paper's: neighbours share a face or an edge (18 in a volume, all 8 in an image); 5 voxels or less are dropped."""


@dataclass(frozen=True, eq=False)
class Instance:
    """One connected object.

    Attributes:
        group: detected: predicted, and it touches the ground truth; false: predicted, and it does not; missed: in the
            ground truth, and not a single pixel of it is predicted.
        region: its pixels: the prediction's for the first two, the ground truth's for a missed one.
        common: how many of them are both predicted and true.
    """

    group: Group
    region: BoolArray
    common: int


def find_instances(
    predicted: BoolArray, truth: BoolArray, *, connectivity: int = CONNECTIVITY, min_size: int = MIN_SIZE
) -> tuple[Instance, ...]:
    """All objects of a prediction and of its ground truth: detected, false, missed, each in reading order.

    An object of the ground truth that only a component too small to count touches is in no group.

    Args:
        predicted: (...), the pixels of a class.
        truth: the same of the ground truth.
        connectivity: along how many axes at once neighbours may differ: 1 (faces) to the number of axes (corners too).
        min_size: objects with fewer pixels do not count.

    Raises:
        TargetError: the two have different shapes, or the connectivity does not exist there.
    """
    if predicted.shape != truth.shape:
        raise TargetError(
            f"the ground truth has shape {list(truth.shape)}, the prediction {list(predicted.shape)}: pass one of the "
            "same size"
        )
    if not 1 <= connectivity <= predicted.ndim:
        raise TargetError(f"connectivity must lie between 1 and {predicted.ndim}, got {connectivity}")
    found = [_instance(part, truth) for part in _components(predicted, connectivity, min_size)]
    missed = [part for part in _components(truth, connectivity, min_size) if not (part & predicted).any()]
    detected = [instance for instance in found if instance.common]
    false = [instance for instance in found if not instance.common]
    return (*detected, *false, *(Instance("missed", part, 0) for part in missed))


def instance_target(spec: SegmenterSpec, class_index: int, instance: Instance, predicted: BoolArray) -> ResolvedTarget:
    """An object as something to explain: a missed one by the place where it should have been found.

    Args:
        spec: of the segmenter.
        class_index: the class.
        instance: at the network's size.
        predicted: all pixels of the class, at the network's size; those of other objects do not count.
    """
    target = ResolvedTarget(
        class_index,
        spec.class_name(class_index),
        "instance",
        instance.region,
        ~predicted | instance.region,
    )
    if instance.group != "missed":
        return target
    return dataclasses.replace(target, notes=("the model predicts nothing here: the place is the ground truth's",))


def _instance(part: BoolArray, truth: BoolArray) -> Instance:
    common = int((part & truth).sum())
    return Instance("detected" if common else "false", part, common)


def _components(region: BoolArray, connectivity: int, min_size: int) -> list[BoolArray]:
    labels = np.asarray(label(region, generate_binary_structure(region.ndim, connectivity))[0])
    sizes = np.bincount(labels.ravel())
    return [np.asarray(labels == k) for k in range(1, len(sizes)) if sizes[k] >= min_size]
