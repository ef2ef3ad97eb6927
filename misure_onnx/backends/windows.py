"""A model that slides over images and volumes larger than itself; its answers are stitched."""

import dataclasses
import math
from collections.abc import Iterator
from functools import reduce
from itertools import islice, product

import numpy as np
import numpy.typing as npt

from misure_onnx.errors import ImageError, ParameterError
from misure_onnx.network_input import prepared, size_in_network_axes
from misure_onnx.segmenter import LoadedInput, ReducedPrecision, Segmenter, Traffic, traffic_of
from misure_onnx.sizes import by
from misure_onnx.types import Images, Scores, Size

_DEVIATION = 0.125
"""Of the Gaussian that weighs a window's pixels, as a share of its side: the middle, which sees more around it, counts
most (as nnU-Net and MONAI have it)."""
_LEAST_WEIGHT = 1e-3


class WindowedSegmenter:
    """A segmenter of one size, asked window by window at the image's own resolution.

    Scores of a pixel are the mean over the windows that hold it, weighted by a Gaussian around each window's centre;
    the last window of an axis ends at the border. There is no one graph for the whole image, so no gradient: methods
    that need forwards alone are served, and of `misure` the routes `search` and `finite_difference`.

    Args:
        segmenter: the model; its network must take one size.
        overlap: of neighbouring windows, a share of their side from 0 to below 1.

    Raises:
        ParameterError: the overlap is out of range, or the network takes any size.
    """

    def __init__(self, segmenter: Segmenter, overlap: float) -> None:
        if not 0 <= overlap < 1:
            raise ParameterError(f"window must be an overlap from 0 to below 1 (0.5: half a window), got {overlap}")
        if segmenter.spec.size is None:
            raise ParameterError(
                "window needs a model that takes one size; this one takes images of any size as they are"
            )
        self._segmenter, self._size, self._overlap = segmenter, segmenter.spec.size, overlap
        self._steps = [max(1, round(side * (1 - overlap))) for side in self._size]
        self.spec = dataclasses.replace(segmenter.spec, size=None, workers=1)
        note = f"the model slid over the image in windows of {by(self._size)}, {overlap:.0%} overlap"
        identity = segmenter.identity
        self.identity = dataclasses.replace(identity, notes=(*identity.notes, note))

    @property
    def traffic(self) -> Traffic | None:
        """That of the model."""
        return traffic_of(self._segmenter)

    def prepare(self, image: LoadedInput) -> Images:
        """The network input (1, C, H, W) at the image's own size.

        Raises:
            ImageError: the image does not fit the network, or is smaller than it along an axis.
        """
        declared = self.spec.preprocessing
        size = size_in_network_axes(image.size, declared)
        if any(extent < side for extent, side in zip(size, self._size, strict=False)):
            raise ImageError(
                f"the image is {by(size)}, smaller than the model's windows of {by(self._size)}: leave out --window, "
                "or pad it first"
            )
        return prepared(image, declared, self.spec.channels, size)

    def full_precision(self) -> Segmenter | None:
        """As `ReducedPrecision`."""
        exact = self._segmenter.full_precision() if isinstance(self._segmenter, ReducedPrecision) else None
        return None if exact is None else WindowedSegmenter(exact, self._overlap)

    def predict(self, images: Images) -> Scores:
        """(N, C, H, W) -> stitched scores (N, L, H, W)."""
        return np.concatenate([self._stitched(image[None]) for image in images])

    def _stitched(self, image: Images) -> Scores:
        size = image.shape[2:]
        weights = _bell(self._size)
        sums, total = np.zeros((1, self.spec.classes, *size), np.float32), np.zeros(size, np.float32)
        places = self._windows(size)
        while some := list(islice(places, self.spec.batch_size)):
            parts = np.concatenate([image[:, :, *window] for window in some])
            for window, scores in zip(some, self._segmenter.predict(parts), strict=True):
                sums[:, :, *window] += scores * weights
                total[window] += weights
        return np.asarray(sums / total, np.float32)

    def _windows(self, size: Size) -> Iterator[tuple[slice, ...]]:
        along = [
            [*range(0, extent - side, step), extent - side]
            for extent, side, step in zip(size, self._size, self._steps, strict=True)
        ]
        for place in product(*along):
            yield tuple(slice(first, first + side) for first, side in zip(place, self._size, strict=True))

    def windows_of(self, size: Size) -> int:
        """How many windows an image of a size takes: forwards of the model a prediction."""
        return math.prod(
            len(range(0, extent - side, step)) + 1
            for extent, side, step in zip(size, self._size, self._steps, strict=True)
        )


def _bell(size: Size) -> npt.NDArray[np.float32]:
    """Weights of a window's pixels, 1 in its middle."""
    along = []
    for side in size:
        offsets = (np.arange(side) - (side - 1) / 2) / (_DEVIATION * side)
        along.append(np.exp(-0.5 * offsets**2))
    return np.asarray(np.maximum(reduce(np.multiply.outer, along), _LEAST_WEIGHT), np.float32)
