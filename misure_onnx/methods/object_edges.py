"""The outline of the predicted object: the yardstick for maps that look like outlines."""

from dataclasses import dataclass
from typing import ClassVar

import cv2
import numpy as np
from scipy import ndimage

from misure_onnx.errors import require
from misure_onnx.methods.base import Attribution, Method
from misure_onnx.methods.task import Task
from misure_onnx.types import Region


@dataclass(frozen=True)
class ObjectEdges(Method):
    """Saliency 1 along the border between the object and the rest of the image, 0 elsewhere.

    The border of the image is no edge: an object that fills the image has none.

    Attributes:
        width: pixels of the object whose nearest pixel outside is at most so many pixels away (between
            centres), and pixels outside for which the same holds of the object: so wide on either side.
    """

    name: ClassVar[str] = "object_edges"
    summary: ClassVar[str] = "the edges of the predicted object: a yardstick"

    width: float = 3.0

    def __post_init__(self) -> None:
        require(self.width >= 1, f"width must be at least 1 pixel, got {self.width}")

    def attribute(self, task: Task) -> Attribution:
        """No forward is needed."""
        region = task.target.region
        edges = _near(region, self.width) & ~region | _near(~region, self.width) & region
        mask = edges.astype(np.float32)
        return Attribution(saliency=mask, soft_mask=mask, region=edges)


def _near(region: Region, distance: float) -> Region:
    """Pixels no farther from the region than this; none where the region is empty."""
    if not region.any():
        return np.zeros_like(region)
    if region.ndim == 3:
        return np.asarray(ndimage.distance_transform_edt(~region) <= distance)
    away = cv2.distanceTransform((~region).astype(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_PRECISE)
    return np.asarray(away <= distance)
