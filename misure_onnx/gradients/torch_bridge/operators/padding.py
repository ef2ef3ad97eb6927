"""Padding and cropping at the borders."""

import torch
import torch.nn.functional as F  # noqa: N812 - torch's own abbreviation
from torch import Tensor

from misure_onnx.gradients.torch_bridge.host_values import integers, scalar
from misure_onnx.gradients.torch_bridge.node import Key, Node, Operator
from misure_onnx.gradients.torch_bridge.operators.windows import Pads, for_torch


def _pad(
    node: Node, x: Tensor, pads: Tensor | None = None, value: Tensor | None = None, axes: Tensor | None = None
) -> Tensor:
    """Pad: amounts are attributes before opset 11; a negative amount cuts."""
    amounts = integers(pads) if pads is not None else node.integers("pads") or []
    fill = scalar(value) if value is not None else node.number("value", 0.0)
    chosen = [axis % x.ndim for axis in integers(axes)] if axes is not None else list(range(x.ndim))
    pairs = dict(zip(chosen, zip(amounts[: len(chosen)], amounts[len(chosen) :], strict=True), strict=True))
    mode = node.text("mode", "constant")
    if mode == "constant":
        return _constant_pad(x, [pairs.get(axis, (0, 0)) for axis in range(x.ndim)], fill)
    for axis, (before, after) in pairs.items():
        x = _repeating_pad(x, axis, before, after, mode)
    return x


def _constant_pad(x: Tensor, pairs: Pads, fill: float) -> Tensor:
    first = next((axis for axis, pair in enumerate(pairs) if pair != (0, 0)), None)
    return x if first is None else F.pad(x, for_torch(pairs[first:]), value=fill)


def _repeating_pad(x: Tensor, axis: int, before: int, after: int, mode: str) -> Tensor:
    """Reflect, edge or wrap along one axis, for any rank and any amount."""
    if (before, after) == (0, 0):
        return x
    size = x.shape[axis]
    places = torch.arange(-before, size + after, device=x.device)
    if mode == "edge":
        places = places.clamp(0, size - 1)
    elif mode == "wrap":
        places = places % size
    else:
        period = max(2 * (size - 1), 1)
        places = places.abs() % period
        places = torch.where(places >= size, period - places, places)
    return x.index_select(axis, places)


def _center_crop_pad(node: Node, x: Tensor, shape: Tensor) -> Tensor:
    """CenterCropPad: cuts or pads around the centre; the odd element is at the end."""
    axes = node.integers("axes") or list(range(x.ndim))
    for axis, wanted in zip(axes, integers(shape), strict=True):
        missing = wanted - x.shape[axis]
        if missing < 0:
            x = x.narrow(axis, -missing // 2, wanted)
        pairs = [(0, 0)] * x.ndim
        pairs[axis] = (missing // 2, missing - missing // 2)
        x = _constant_pad(x, pairs, 0.0) if missing > 0 else x
    return x


OPERATORS: dict[Key, Operator] = {("", "CenterCropPad"): _center_crop_pad, ("", "Pad"): _pad}

HOST_INPUTS: dict[Key, tuple[int, ...]] = {("", "CenterCropPad"): (1,), ("", "Pad"): (1, 2, 3)}
