"""Mask algebra: growing, resizing, thresholding. 1 = pixel kept, 0 = pixel replaced."""

from functools import cache

import cv2
import numpy as np
import numpy.typing as npt
from scipy.sparse import csr_array

from misure_onnx.types import BoolArray, FloatArray, Mask, Region, SaliencyMap

DILATION_PIXELS = 3
"""How far one dilation with `structuring_element` grows a region, in pixels."""


@cache
def structuring_element() -> BoolArray:
    """The paper's circular 7x7 element (section 4.2) as its author builds it: OpenCV's ellipse, 33 ones."""
    return cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (7, 7)).astype(bool)


def dilate(region: Region) -> Region:
    """One dilation with the 7x7 ellipse; outside the image counts as empty."""
    return cv2.dilate(region.astype(np.uint8), structuring_element().astype(np.uint8)).astype(bool)


def dilation_map(region: Region, dilations: int) -> SaliencyMap:
    """(H, W): 1 on the region, one step less with each of so many dilations, 0 beyond the last."""
    saliency = region.astype(np.float32)
    for _ in range(dilations):
        region = dilate(region)
        saliency += region
    return np.asarray(saliency / (dilations + 1), np.float32)


def resize_region(region: Region, size: tuple[int, int]) -> Region:
    """Nearest neighbour with exact pixel centres, so that growing and shrinking back gives the same region."""
    if region.shape == size:
        return region
    wide = region.take(nearest_pixels(region.shape[1], size[1]), axis=1)
    return wide.take(nearest_pixels(region.shape[0], size[0]), axis=0)


def nearest_pixels(n_in: int, n_out: int) -> npt.NDArray[np.int64]:
    """(n_out,) the input pixel under each output pixel's centre; the later one under a centre on a border.

    In whole numbers, since OpenCV's "exact" nearest neighbour goes either way there.
    """
    return (2 * np.arange(n_out, dtype=np.int64) + 1) * n_in // (2 * n_out)


def resize_map(saliency: SaliencyMap, size: tuple[int, int]) -> SaliencyMap:
    """Bilinear, values otherwise untouched."""
    if saliency.shape == size:
        return saliency
    return np.asarray(cv2.resize(saliency, size[::-1], interpolation=cv2.INTER_LINEAR), np.float32)


def components(region: Region, min_pixels: int = 1) -> tuple[Region, ...]:
    """The 8-connected components of a region, largest first; equal sizes in reading order of their first pixels."""
    _, labels = cv2.connectedComponents(region.astype(np.uint8), connectivity=8)
    indices, first, pixels = np.unique(labels, return_index=True, return_counts=True)
    order = [k for k in np.lexsort((first, -pixels)) if indices[k] > 0 and pixels[k] >= min_pixels]
    return tuple(np.asarray(labels == indices[k]) for k in order)


def component_at(region: Region, row: int, column: int) -> Region | None:
    """The 8-connected component with a pixel; None where the pixel is not in the region."""
    if not region[row, column]:
        return None
    _, labels = cv2.connectedComponents(region.astype(np.uint8), connectivity=8)
    return np.asarray(labels == labels[row, column])


def random_region(pixels: int, size: tuple[int, int], rng: np.random.Generator) -> Region:
    """`pixels` pixels drawn without replacement."""
    chosen = np.zeros(size[0] * size[1], bool)
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

    Up-sampling is bilinear with half-pixel centres and edge clamping (torch's `align_corners=False`),
    written as two sparse matrices, so that its adjoint is exact: mask = A_rows @ grid @ A_columns.T.
    Sparse also because a threaded dense product keeps BLAS threads spinning into the model's next forward.
    """

    def __init__(self, grid_size: tuple[int, int], size: tuple[int, int]) -> None:
        self.grid_size = grid_size
        self._rows = bilinear_matrix(grid_size[0], size[0])
        self._columns = bilinear_matrix(grid_size[1], size[1])

    def upsample(self, grid: FloatArray) -> Mask:
        """(h, w) grid -> (H, W) mask."""
        return np.asarray((self._columns @ (self._rows @ grid).T).T, np.float32)

    def pull_back(self, gradient: FloatArray) -> FloatArray:
        """Gradient by the mask (H, W) -> gradient by the grid (h, w)."""
        return np.asarray((self._columns.T @ (self._rows.T @ gradient).T).T, np.float32)


def bilinear_matrix(n_in: int, n_out: int) -> csr_array:
    """(n_out, n_in) weights of one-dimensional bilinear interpolation; rows sum to 1."""
    centre = np.clip((np.arange(n_out) + 0.5) * n_in / n_out - 0.5, 0, n_in - 1)
    low = np.floor(centre).astype(int)
    weight = centre - low
    rows = np.tile(np.arange(n_out), 2)
    columns = np.concatenate([low, np.minimum(low + 1, n_in - 1)])
    values = np.concatenate([1 - weight, weight]).astype(np.float32)
    return csr_array((values, (rows, columns)), shape=(n_out, n_in))
