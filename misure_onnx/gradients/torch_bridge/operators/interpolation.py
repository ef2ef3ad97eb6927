"""Interpolation along one axis as a choice of elements or a matrix, for every rule of ONNX's Resize."""

import math
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor


@dataclass(frozen=True, slots=True)
class AxisResize:
    """How one axis is resized.

    Attributes:
        axis: of the tensor.
        before: elements before.
        after: elements after.
        scale: as ONNX applies it; not always after / before.
        mode: `nearest`, `linear` or `cubic`.
        coordinates: ONNX's `coordinate_transformation_mode`.
        nearest: ONNX's `nearest_mode`.
        cubic_a: coefficient of the cubic kernel.
        exclude_outside: weights outside the data are zero and the others are scaled up.
        antialias: the kernel widens when an axis shrinks.
        crop: (start, end) of `tf_crop_and_resize`, as fractions.
        extrapolation: value outside the data for `tf_crop_and_resize`.
    """

    axis: int
    before: int
    after: int
    scale: float
    mode: str
    coordinates: str
    nearest: str
    cubic_a: float
    exclude_outside: bool
    antialias: bool
    crop: tuple[float, float]
    extrapolation: float

    def apply(self, x: Tensor) -> Tensor:
        """The tensor with this axis resized."""
        places = self.positions()
        if self.mode == "nearest":
            y = x.index_select(self.axis, self.chosen(places).to(x.device))
        else:
            y = _multiplied(x, self.axis, self._matrix(places).to(x))
        if self.coordinates != "tf_crop_and_resize":
            return y
        outside = ((places < 0) | (places > self.before - 1)).to(x.device)
        shape = [1] * x.ndim
        shape[self.axis] = self.after
        return y.masked_fill(outside.reshape(shape), self.extrapolation)

    def positions(self) -> Tensor:
        """(after,) where each new element lies in the old axis.

        Nearest positions are computed in float32 as ONNX Runtime does: ties depend on the rounding.
        """
        out = torch.arange(self.after, dtype=torch.float32 if self.mode == "nearest" else torch.float64)
        scale = float(np.float32(self.scale))
        last, new_last = self.before - 1, max(self.after - 1, 1)
        if self.coordinates == "half_pixel" or (self.coordinates == "pytorch_half_pixel" and self.after > 1):
            return (out + 0.5) / scale - 0.5
        if self.coordinates == "pytorch_half_pixel":
            return out * 0
        if self.coordinates == "asymmetric":
            return out / scale
        if self.coordinates == "align_corners":
            return out * last / new_last
        if self.coordinates == "tf_half_pixel_for_nn":
            return (out + 0.5) / scale
        if self.coordinates == "half_pixel_symmetric":
            adjustment = self.after / (scale * self.before)
            return self.before / 2 * (1 - adjustment) + (out + 0.5) / scale - 0.5
        if self.coordinates == "tf_crop_and_resize":
            start, end = self.crop
            middle = out + 0.5 * (start + end) * last
            return start * last + out * ((end - start) * last) / new_last if self.after > 1 else middle
        raise NotImplementedError(f"Resize coordinates {self.coordinates!r} are not known")

    def chosen(self, places: Tensor) -> Tensor:
        """(after,) index of the nearest old element."""
        below = torch.floor(places)
        rest = places - below  # exact; places + 0.5 may round up to the next whole number
        rounded = {
            "round_prefer_floor": below + (rest > 0.5),
            "round_prefer_ceil": below + (rest >= 0.5),
            "floor": below,
            "ceil": torch.ceil(places),
        }[self.nearest]
        return rounded.long().clamp(0, self.before - 1)

    def _matrix(self, places: Tensor) -> Tensor:
        """(after, before) weights; taps beyond the border fall on the border's element."""
        shrink = min(self.scale, 1.0) if self.antialias else 1.0
        reach = (1.0 if self.mode == "linear" else 2.0) / shrink
        taps = math.ceil(2 * reach) + 1
        index = torch.floor(places - reach).long()[:, None] + torch.arange(taps + 1)
        weights = self._kernel(((places[:, None] - index) * shrink).abs())
        if self.exclude_outside:
            weights = weights * ((index >= 0) & (index < self.before))
        if self.exclude_outside or self.antialias:
            weights = weights / weights.sum(1, keepdim=True)
        matrix = torch.zeros(self.after, self.before, dtype=torch.float64)
        return matrix.scatter_add_(1, index.clamp(0, self.before - 1), weights)

    def _kernel(self, distance: Tensor) -> Tensor:
        """Weight of an old element at a distance; the cubic one is Keys (1981) with coefficient a."""
        if self.mode == "linear":
            return (1 - distance).clamp(min=0)
        a = self.cubic_a
        near = ((a + 2) * distance - (a + 3)) * distance**2 + 1
        far = ((a * distance - 5 * a) * distance + 8 * a) * distance - 4 * a
        return torch.where(distance <= 1, near, torch.where(distance < 2, far, torch.zeros_like(far)))


def _multiplied(x: Tensor, axis: int, matrix: Tensor) -> Tensor:
    """The matrix applied along an axis of x."""
    if axis == x.ndim - 1:
        return x @ matrix.mT
    if axis == x.ndim - 2:
        return matrix @ x
    product: Tensor = torch.tensordot(x, matrix, dims=([axis], [1]))
    return product.movedim(-1, axis)
