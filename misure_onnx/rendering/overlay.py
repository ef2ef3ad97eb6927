"""Heat maps and regions over an image."""

import cv2
import matplotlib as mpl
import numpy as np
import numpy.typing as npt

from misure_onnx.types import Region, SaliencyMap

RgbImage = npt.NDArray[np.uint8]

OBJECT_COLOR = (230, 60, 40)
_OUTLINE_SHARE, _DIMMED = 0.004, 0.25


def cut_out(image: RgbImage, region: Region) -> RgbImage:
    """The image with everything outside the region black."""
    return np.asarray(image * region[..., None].astype(np.uint8), np.uint8)


def dim_outside(image: RgbImage, region: Region) -> RgbImage:
    """The image with everything outside the region at a quarter of its brightness."""
    return np.where(region[..., None], image, (image * _DIMMED).astype(np.uint8)).astype(np.uint8)


def outline(
    image: RgbImage, region: Region, color: tuple[int, int, int] = OBJECT_COLOR, tint: float = 0.45
) -> RgbImage:
    """The image with the region's border drawn and its inside tinted (0: not at all, 1: fully)."""
    tinted = image.copy()
    tinted[region] = ((1 - tint) * image[region] + tint * np.array(color)).astype(np.uint8)
    contours, _ = cv2.findContours(region.astype(np.uint8), cv2.RETR_LIST, cv2.CHAIN_APPROX_NONE)
    thickness = max(1, round(_OUTLINE_SHARE * max(region.shape)))
    return np.asarray(cv2.drawContours(tinted, contours, -1, color, thickness), np.uint8)


def heat_map(saliency: SaliencyMap, bound: float | None = None, *, signed: bool | None = None) -> RgbImage:
    """(H, W, 3): sequential colours for maps without negative values, else diverging with white at 0.

    Args:
        saliency: (H, W).
        bound: the absolute value that gets the last colour; None: the map's largest.
        signed: whether there are negative values in the whole of which this is a part; None: this is the whole.
    """
    low, high = float(saliency.min()), float(saliency.max())
    bound = max(-low, high, 1e-30) if bound is None else max(bound, 1e-30)
    if not (low < 0 if signed is None else signed):
        return _colored(np.asarray(saliency / bound, np.float32), "inferno")
    return _colored(np.asarray((saliency / bound + 1) / 2, np.float32), "RdBu_r")


def overlay(
    image: RgbImage,
    saliency: SaliencyMap,
    opacity: float = 0.55,
    bound: float | None = None,
    *,
    signed: bool | None = None,
) -> RgbImage:
    """The heat map over the grey image; `bound` and `signed` as `heat_map` has them."""
    grey = np.repeat(image.mean(axis=2, keepdims=True), 3, axis=2)
    return np.asarray((1 - opacity) * grey + opacity * heat_map(saliency, bound, signed=signed), np.uint8)


def _colored(unit: SaliencyMap, name: str) -> RgbImage:
    return np.asarray(mpl.colormaps[name](np.clip(unit, 0, 1), bytes=True)[..., :3], np.uint8)
