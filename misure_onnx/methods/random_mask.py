"""Random pixels as an explanation: the yardstick that says what a number is worth."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from misure_onnx.errors import require
from misure_onnx.mask import random_region
from misure_onnx.methods.base import Attribution, Method
from misure_onnx.methods.task import Task


@dataclass(frozen=True)
class RandomMask(Method):
    """Independent uniform saliency; its region is as many random pixels as `ratio` times the object has.

    Attributes:
        ratio: area of the region over the object's.
    """

    name: ClassVar[str] = "random"
    summary: ClassVar[str] = "random pixels: a yardstick"

    ratio: float = 1.0

    def __post_init__(self) -> None:
        require(self.ratio > 0, f"ratio must be positive, got {self.ratio}")

    def attribute(self, task: Task) -> Attribution:
        """No forward is needed."""
        rng = task.rng()
        saliency = rng.random(task.size, np.float32)
        region = random_region(round(self.ratio * int(task.target.region.sum())), task.size, rng)
        return Attribution(saliency=saliency, soft_mask=region.astype(np.float32), region=region)
