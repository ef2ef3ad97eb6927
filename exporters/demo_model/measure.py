"""What the exported file finds, measured as users run it: 8-bit pictures in, declared preprocessing, ONNX Runtime."""

from collections.abc import Iterable

import numpy as np
import numpy.typing as npt

from benchmarks.datasets.triangle import OBJECT_SIZE, Sample
from misure_onnx.images import load_image
from misure_onnx.overlap import hard_dice
from misure_onnx.segmenter import Segmenter
from misure_onnx.types import BoolArray, FloatArray

FOREGROUND = 1

CLEARANCE = 8

DICE_OF_PICTURE = 0.97


def picture(image: FloatArray) -> npt.NDArray[np.uint8]:
    """A scene (H, W) in [0, 1] as an RGB picture (H, W, 3)."""
    return np.repeat(np.rint(image * 255).astype(np.uint8)[..., None], 3, axis=2)


def found(segmenter: Segmenter, image: FloatArray) -> BoolArray:
    """The pixels (H, W) of a scene that are predicted as part of the triangle."""
    scores = segmenter.predict(segmenter.prepare(load_image(picture(image))))
    predicted: BoolArray = segmenter.spec.head.membership(scores, FOREGROUND)[0]
    return predicted


def choose_picture(scenes: Iterable[Sample], reached: npt.NDArray[np.float64]) -> int:
    """Index of the first scene that the model gets right and whose objects are well apart; else of the best scene."""
    suitable = (i for i, scene in enumerate(scenes) if reached[i] >= DICE_OF_PICTURE and well_apart(scene))
    return next(suitable, int(reached.argmax()))


def well_apart(sample: Sample) -> bool:
    """Whether every two objects' pictures are `CLEARANCE` pixels or more apart, so that each is seen for itself."""
    centres = sample.centres
    distances = np.abs(centres[:, None] - centres).max(axis=-1)
    return bool(distances[~np.eye(len(centres), dtype=bool)].min() >= OBJECT_SIZE + CLEARANCE)


def dice(segmenter: Segmenter, samples: Iterable[Sample]) -> npt.NDArray[np.float64]:
    """The Dice coefficient of each scene's prediction with the truth."""
    return np.array([float(hard_dice(found(segmenter, sample.image), sample.mask)) for sample in samples])
