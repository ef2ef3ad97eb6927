"""A region to be judged, on a model for which a pixel is the object if and only if it is above 0.5."""

from pathlib import Path

import numpy as np
import numpy.typing as npt

from misure_onnx.api import load_segmenter
from misure_onnx.metrics.base import Candidate
from misure_onnx.target import Target
from misure_onnx.types import Images, Mask, Region
from tests.tiny_models import SIZE, bright_pixels

OBJECT = np.zeros(SIZE, bool)
OBJECT[4:12, 5:15] = True  # 80 pixels
OTHER = np.zeros(SIZE, bool)
OTHER[15:18, 18:22] = True  # 12 pixels of the same class, not connected


def rows_of_object(first: int, last: int) -> Region:
    """The object's rows from `first` up to `last`, 10 pixels each."""
    part = np.zeros(SIZE, bool)
    part[4 + first : 4 + last, 5:15] = True
    return part


def candidate(
    directory: Path,
    region: Region,
    *,
    soft_mask: Mask | None = None,
    baseline: float = 0.0,
    target: Target | None = None,
    bright: npt.NDArray[np.bool_] = OBJECT,
) -> Candidate:
    """Of an image that is 1 on `bright` and 0 elsewhere; the rest is replaced by a constant."""
    segmenter = load_segmenter(bright_pixels(directory / "bright.onnx"), "raw")
    image: Images = bright.astype(np.float32)[None, None]
    resolved = (target or Target.from_class(1)).resolve(segmenter.spec, segmenter.predict(image), SIZE)
    return Candidate(
        segmenter=segmenter,
        image=image,
        baseline=np.full_like(image, baseline),
        target=resolved,
        region=region,
        soft_mask=region.astype(np.float32) if soft_mask is None else soft_mask,
    )
