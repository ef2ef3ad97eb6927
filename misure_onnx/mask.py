"""Mask algebra: growing, resizing, thresholding. 1 = pixel kept, 0 = pixel replaced."""

import math
from collections.abc import Sequence
from functools import cache
from typing import Any, TypeVar

import cv2
import numpy as np
import numpy.typing as npt
from scipy import ndimage
from scipy.sparse import csr_array

from misure_onnx.types import BoolArray, FloatArray, Mask, Region, SaliencyMap, Size

Pixels = TypeVar("Pixels", bound=npt.NDArray[Any])

DILATION_PIXELS = 3
"""How far one dilation with `structuring_element` grows a region, in pixels."""


@cache
def structuring_element() -> BoolArray:
    """The paper's circular 7x7 element (section 4.2) as its author builds it: OpenCV's ellipse, 33 ones."""
    return cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (7, 7)).astype(bool)


def dilate(region: Region) -> Region:
    """One dilation; outside the image counts as empty.

    With the 7x7 ellipse in an image, in a volume with its counterpart, the ball of all voxels at most
    `DILATION_PIXELS` away.
    """
    if region.ndim == 3:
        return np.asarray(ndimage.distance_transform_edt(~region) <= DILATION_PIXELS) if region.any() else region
    return cv2.dilate(region.astype(np.uint8), structuring_element().astype(np.uint8)).astype(bool)


def dilation_map(region: Region, dilations: int) -> SaliencyMap:
    """(H, W): 1 on the region, one step less with each of so many dilations, 0 beyond the last."""
    saliency = region.astype(np.float32)
    for _ in range(dilations):
        region = dilate(region)
        saliency += region
    return np.asarray(saliency / (dilations + 1), np.float32)


def resize_region(region: Region, size: Size) -> Region:
    """Nearest neighbour with exact pixel centres, so that growing and shrinking back gives the same region."""
    for axis, (n_in, n_out) in reversed(list(enumerate(zip(region.shape, size, strict=True)))):
        if n_in != n_out:
            region = region.take(nearest_pixels(n_in, n_out), axis=axis)
    return region


def nearest_pixels(n_in: int, n_out: int) -> npt.NDArray[np.int64]:
    """(n_out,) the input pixel under each output pixel's centre; the later one under a centre on a border.

    In whole numbers, since OpenCV's "exact" nearest neighbour goes either way there.
    """
    return (2 * np.arange(n_out, dtype=np.int64) + 1) * n_in // (2 * n_out)


def resize_map(saliency: SaliencyMap, size: Size) -> SaliencyMap:
    """Bilinear (a volume: trilinear) with half-pixel centres, values otherwise untouched."""
    if saliency.shape == size:
        return saliency
    if saliency.ndim == 3:
        return MaskGrid(saliency.shape, size).upsample(saliency)
    return np.asarray(cv2.resize(saliency, size[::-1], interpolation=cv2.INTER_LINEAR), np.float32)


def components(region: Region, min_pixels: int = 1) -> tuple[Region, ...]:
    """The components of a region, connected by corners too (8 neighbours; 26 in a volume), largest first.

    Equal sizes come in reading order of their first pixels.
    """
    labels = _labelled(region)
    indices, first, pixels = np.unique(labels, return_index=True, return_counts=True)
    order = [k for k in np.lexsort((first, -pixels)) if indices[k] > 0 and pixels[k] >= min_pixels]
    return tuple(np.asarray(labels == indices[k]) for k in order)


def component_sizes(region: Region) -> npt.NDArray[np.int64]:
    """How many pixels the component of every pixel has; 0 outside the region."""
    labels = _labelled(region)
    return np.asarray(np.bincount(labels.ravel())[labels] * region)


def component_at(region: Region, *index: int) -> Region | None:
    """The component, as `components` has it, with a pixel (row, column); None where the pixel is not in the region."""
    if not region[index]:
        return None
    labels = _labelled(region)
    return np.asarray(labels == labels[index])


def _labelled(region: Region) -> npt.NDArray[np.int32]:
    """Numbers of the components, 0 outside the region."""
    if region.ndim == 3:
        return np.asarray(ndimage.label(region, np.ones((3, 3, 3)))[0], np.int32)
    return np.asarray(cv2.connectedComponents(region.astype(np.uint8), connectivity=8)[1], np.int32)


def smoothed(values: FloatArray, deviation: float) -> FloatArray:
    """Convolved with a Gaussian of a standard deviation in pixels; reflected at the border."""
    if values.ndim == 3:
        return np.asarray(ndimage.gaussian_filter(values, deviation, mode="mirror"), np.float32)
    return np.asarray(cv2.GaussianBlur(values, (0, 0), deviation), np.float32)


def moved(values: Pixels, shift: Sequence[int]) -> Pixels:
    """(H, W) moved by pixels along each axis; what leaves the image is lost, what enters is 0."""
    result: Pixels = np.roll(values, shift, tuple(range(values.ndim)))
    for axis, pixels in enumerate(shift):
        if pixels:
            entered = slice(0, pixels) if pixels > 0 else slice(pixels, None)
            result[(slice(None),) * axis + (entered,)] = 0
    return result


def random_region(pixels: int, size: Size, rng: np.random.Generator) -> Region:
    """`pixels` pixels drawn without replacement."""
    chosen = np.zeros(math.prod(size), bool)
    chosen[rng.choice(chosen.size, min(pixels, chosen.size), replace=False)] = True
    return chosen.reshape(size)


def scaled_to_unit(saliency: SaliencyMap) -> Mask:
    """Min-max scaling to [0, 1]; a constant map becomes all zero (it singles nothing out)."""
    low, high = float(saliency.min()), float(saliency.max())
    if high <= low:
        return np.zeros_like(saliency)
    return np.asarray((saliency - low) / (high - low), np.float32)


class MaskGrid:
    """A small grid of values and the mask that it stands for at image size.

    Up-sampling is linear along every axis, with half-pixel centres and edge clamping (torch's `align_corners=False`),
    written as one sparse matrix an axis, so that its adjoint is exact: mask = A_rows @ grid @ A_columns.T.
    Sparse also because a threaded dense product keeps BLAS threads spinning into the model's next forward.
    """

    def __init__(self, grid_size: Size, size: Size) -> None:
        self.grid_size = grid_size
        # None along an axis where the grid is as fine as the image.
        self._matrices = [
            None if n_in == n_out else bilinear_matrix(n_in, n_out) for n_in, n_out in zip(grid_size, size, strict=True)
        ]
        self._adjoints = [None if matrix is None else matrix.T.tocsr() for matrix in self._matrices]

    def upsample(self, grid: FloatArray) -> Mask:
        """(h, w) grid -> (H, W) mask."""
        return _along_axes(self._matrices, grid)

    def pull_back(self, gradient: FloatArray) -> FloatArray:
        """Gradient by the mask (H, W) -> gradient by the grid (h, w)."""
        return _along_axes(self._adjoints, gradient)


def _along_axes(matrices: Sequence[csr_array | None], values: FloatArray) -> FloatArray:
    """Each matrix applied along its axis."""
    for matrix in matrices:
        if matrix is not None:
            values = (matrix @ values.reshape(values.shape[0], -1)).reshape(-1, *values.shape[1:])
        values = values.transpose(*range(1, values.ndim), 0)  # the next axis comes first; in the end all are back
    return np.array(values, np.float32, order="C")  # never the caller's own array


def bilinear_matrix(n_in: int, n_out: int) -> csr_array:
    """(n_out, n_in) weights of one-dimensional bilinear interpolation; rows sum to 1."""
    centre = np.clip((np.arange(n_out) + 0.5) * n_in / n_out - 0.5, 0, n_in - 1)
    low = np.floor(centre).astype(int)
    weight = centre - low
    rows = np.tile(np.arange(n_out), 2)
    columns = np.concatenate([low, np.minimum(low + 1, n_in - 1)])
    values = np.concatenate([1 - weight, weight]).astype(np.float32)
    return csr_array((values, (rows, columns)), shape=(n_out, n_in))
