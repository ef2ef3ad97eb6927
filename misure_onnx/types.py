"""Array aliases. Letters: N images, C input channels, L classes, H rows, W columns, D slices.

All spatial arrays are row-major, (row, column); a point given by a user is (x, y) = (column, row). Where (H, W) is
written, a volume has (D, H, W), the axes in the order in which the network takes them.
"""

from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

FloatArray: TypeAlias = npt.NDArray[np.float32]
BoolArray: TypeAlias = npt.NDArray[np.bool_]
AnyArray: TypeAlias = npt.NDArray[Any]

Size: TypeAlias = tuple[int, ...]
"""(height, width) of an image, (depth, height, width) of a volume."""

Images: TypeAlias = npt.NDArray[np.float32]
"""(N, C, H, W): network inputs after preprocessing, whatever layout the file itself uses."""

Scores: TypeAlias = npt.NDArray[np.float32]
"""(N, L, H, W): one score a class and pixel, at the input's height and width."""

Mask: TypeAlias = npt.NDArray[np.float32]
"""(H, W) in [0, 1]: 1 = pixel kept, 0 = pixel replaced by the baseline."""

Region: TypeAlias = npt.NDArray[np.bool_]
"""(H, W): a set of pixels."""

SaliencyMap: TypeAlias = npt.NDArray[np.float32]
"""(H, W): larger = more important; raw values, never normalised inside a method."""

Picture: TypeAlias = npt.NDArray[Any]
"""(H, W, C), uint8 or uint16 (brightness), or float32 (measurements): an image as read from a file."""
