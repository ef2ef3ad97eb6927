"""From the network's size and axes to the image's."""

import numpy as np

from misure_onnx.mask import resize_map, resize_region
from misure_onnx.network_input import in_network_axes, size_in_network_axes
from misure_onnx.preprocessing import Preprocessing
from misure_onnx.types import Region, SaliencyMap, Size


class ImagePlace:
    """Brings what was found at the network's size to the image's.

    Args:
        size: of the image, or of a volume in the axes of its file.
        declared: says in which order the network takes a volume's axes.
    """

    def __init__(self, size: Size, declared: Preprocessing) -> None:
        self._declared = declared
        self._size = size_in_network_axes(size, declared)

    def map(self, saliency: SaliencyMap) -> SaliencyMap:
        """A saliency map."""
        return np.ascontiguousarray(in_network_axes(resize_map(saliency, self._size), self._declared))

    def region(self, region: Region) -> Region:
        """A binary region."""
        return np.ascontiguousarray(in_network_axes(resize_region(region, self._size), self._declared))
