"""What a metric takes."""

from dataclasses import dataclass
from typing import ClassVar, Protocol

import numpy as np

from misure_onnx.perturbation import blend
from misure_onnx.segmenter import Segmenter
from misure_onnx.target import ResolvedTarget
from misure_onnx.types import FloatArray, Images, Mask, Region


@dataclass(frozen=True, eq=False)
class Candidate:
    """A region to be judged: the image, the target, and what is kept of the image.

    Attributes:
        segmenter: the deployed model.
        image: (1, C, H, W) network input.
        baseline: (1, C, H, W), what replaces the rest.
        target: resolved on `image`.
        region: (H, W) bool, the binary region.
        soft_mask: (H, W) in [0, 1].
    """

    segmenter: Segmenter
    image: Images
    baseline: Images
    target: ResolvedTarget
    region: Region
    soft_mask: Mask

    def dice(self, masks: FloatArray) -> float:
        """Hard Dice of the target when the deployed model sees the image through one mask (H, W)."""
        scores = self.segmenter.predict(blend(self.image, np.asarray(masks, np.float32)[None], self.baseline))
        predicted = self.segmenter.spec.head.membership(scores, self.target.class_index)
        return float(self.target.dice(predicted)[0])


class Metric(Protocol):
    """A number about a candidate."""

    higher_is_better: ClassVar[bool]

    def measure(self, candidate: Candidate) -> float:
        """The number."""
