"""The predicted object with some of its surroundings: the yardstick for methods that grow it."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from misure_onnx.errors import require
from misure_onnx.mask import dilate, dilation_map
from misure_onnx.methods.base import Attribution, Method
from misure_onnx.methods.task import Task


@dataclass(frozen=True)
class DilatedMask(Method):
    """The object, dilated a stated number of times or to a stated size, without asking the model.

    The saliency map is 1 on the object and falls with every dilation to 0 outside the region.

    Attributes:
        dilations: with the paper's 7x7 ellipse, 3 pixels each.
        ratio: where positive, the fewest dilations that reach this area over the object's (or fill the image)
            instead of `dilations`: a yardstick as large as another method's region. 0: `dilations` count.
    """

    name: ClassVar[str] = "dilated_mask"
    summary: ClassVar[str] = "the predicted object, dilated: a yardstick"

    dilations: int = 5
    ratio: float = 0.0

    def __post_init__(self) -> None:
        require(self.dilations >= 0, f"dilations must not be negative, got {self.dilations}")
        require(self.ratio == 0 or self.ratio >= 1, f"ratio must be 0 (off) or at least 1, got {self.ratio}")

    def attribute(self, task: Task) -> Attribution:
        """No forward is needed."""
        region, dilations = task.target.region, 0
        wanted = self.ratio * int(region.sum())
        while (region.sum() < wanted and not region.all()) if self.ratio else dilations < self.dilations:
            region, dilations = dilate(region), dilations + 1
        return Attribution(
            saliency=dilation_map(task.target.region, dilations),
            soft_mask=region.astype(np.float32),
            region=region,
            trace={"dilations": [float(dilations)]},
        )
