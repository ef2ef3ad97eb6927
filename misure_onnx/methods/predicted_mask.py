"""The predicted object itself as an explanation: the yardstick that any method must beat."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from misure_onnx.methods.base import Attribution, Method
from misure_onnx.methods.task import Task


@dataclass(frozen=True)
class PredictedMask(Method):
    """Saliency 1 on the predicted object, 0 elsewhere."""

    name: ClassVar[str] = "predicted_mask"
    summary: ClassVar[str] = "the predicted object itself: a yardstick"

    def attribute(self, task: Task) -> Attribution:
        """No forward is needed."""
        mask = task.target.region.astype(np.float32)
        return Attribution(saliency=mask, soft_mask=mask, region=task.target.region)
