"""Resize (opset 10 and newer) and Upsample (opset 7 to 9)."""

import math
from types import MappingProxyType

import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812 - torch's own abbreviation
from torch import Tensor

from misure_onnx.gradients.torch_bridge.host_values import optional_integers
from misure_onnx.gradients.torch_bridge.node import Key, Node, Operator
from misure_onnx.gradients.torch_bridge.operators.interpolation import AxisResize

_TORCH_LINEAR = MappingProxyType({3: "linear", 4: "bilinear", 5: "trilinear"})  # by rank
_TORCH_CUBIC_A = -0.75
_SAME_SCALE = 1e-6


def _upsample(node: Node, x: Tensor, scales: Tensor | None = None) -> Tensor:
    """Upsample: scales are an attribute in opset 7 and 8; coordinates are asymmetric."""
    factors = _numbers(scales) or [float(scale) for scale in node.attributes.get("scales", ())]
    wanted = [_scaled(size, factor) for size, factor in zip(x.shape, factors, strict=True)]
    return _resized(x, _axes(node, x, factors, wanted))


def _resize(
    node: Node, x: Tensor, roi: Tensor | None = None, scales: Tensor | None = None, sizes: Tensor | None = None
) -> Tensor:
    """Resize: in opset 10 the second input is the scales."""
    if node.opset == 10:
        return _upsample(node, x, roi)
    which = [axis % x.ndim for axis in node.integers("axes") or range(x.ndim)]
    factors = _numbers(scales)
    if factors:
        wanted = [_scaled(x.shape[axis], factor) for axis, factor in zip(which, factors, strict=True)]
    else:
        before = [x.shape[axis] for axis in which]
        factors, wanted = _from_sizes(node, before, optional_integers(sizes) or [])
    all_factors, all_wanted, crops = [1.0] * x.ndim, list(x.shape), [(0.0, 1.0)] * x.ndim
    corners = _numbers(roi) or [0.0] * len(which) + [1.0] * len(which)
    for k, axis in enumerate(which):
        all_factors[axis], all_wanted[axis] = factors[k], wanted[k]
        crops[axis] = (corners[k], corners[k + len(which)])
    return _resized(x, _axes(node, x, all_factors, all_wanted, crops))


def _numbers(values: Tensor | None) -> list[float]:
    return [] if values is None else [float(value) for value in values.tolist()]


def _scaled(size: int, factor: float) -> int:
    """A new size, rounded down; in float32 as in ONNX Runtime, where 33 * 7.787879 is 257 and not just below."""
    return math.floor(np.float32(size) * np.float32(factor))


def _from_sizes(node: Node, before: list[int], sizes: list[int]) -> tuple[list[float], list[int]]:
    """Scales that follow from sizes; a policy makes them alike and the sizes what they give."""
    policy = node.text("keep_aspect_ratio_policy", "stretch")
    factors = [size / old for size, old in zip(sizes, before, strict=True)]
    if policy == "stretch":
        return factors, sizes
    factor = min(factors) if policy == "not_larger" else max(factors)
    return [factor] * len(before), [math.floor(factor * old + 0.5) for old in before]


def _axes(
    node: Node, x: Tensor, factors: list[float], wanted: list[int], crops: list[tuple[float, float]] | None = None
) -> list[AxisResize]:
    """The axes that change."""
    mode = node.text("mode", "nearest")
    mode = "linear" if mode in ("bilinear", "trilinear") else mode
    modern = node.opset > 10
    coordinates = node.text("coordinate_transformation_mode", "half_pixel") if modern else "asymmetric"
    nearest = node.text("nearest_mode", "round_prefer_floor") if modern else "floor"
    resizes = [
        AxisResize(
            axis=axis,
            before=x.shape[axis],
            after=wanted[axis],
            scale=factor,
            mode=mode,
            coordinates=coordinates,
            nearest=nearest,
            cubic_a=node.number("cubic_coeff_a", _TORCH_CUBIC_A),
            exclude_outside=node.flag("exclude_outside"),
            antialias=node.flag("antialias") and factor < 1,
            crop=crops[axis] if crops else (0.0, 1.0),
            extrapolation=node.number("extrapolation_value", 0.0),
        )
        for axis, factor in enumerate(factors)
    ]
    return [r for r in resizes if r.before != r.after or _moves(r)]


def _moves(resize: AxisResize) -> bool:
    """Whether an axis that keeps its size is resampled all the same."""
    if resize.coordinates == "tf_crop_and_resize":
        return resize.crop != (0.0, 1.0)
    return resize.scale != 1 and resize.coordinates != "align_corners"


def _resized(x: Tensor, resizes: list[AxisResize]) -> Tensor:
    """All axes at once where torch has the same rule, else one after the other, the shrinking ones first."""
    if not resizes:
        return x
    mode = _torch_mode(x, resizes)
    if mode is not None:
        sizes = list(x.shape[2:])
        for resize in resizes:
            sizes[resize.axis - 2] = resize.after
        aligned = None if mode == "nearest" else resizes[0].coordinates == "align_corners"
        return F.interpolate(x, sizes, mode=mode, align_corners=aligned)
    for resize in sorted(resizes, key=lambda entry: entry.after / entry.before):
        x = resize.apply(x)
    return x


def _torch_mode(x: Tensor, resizes: list[AxisResize]) -> str | None:
    """The mode of torch's interpolate that does exactly the same, if there is one."""
    spatial = x.ndim in _TORCH_LINEAR and x.is_floating_point() and all(r.axis >= 2 for r in resizes)
    if not spatial or any(r.antialias or abs(r.after / r.before / r.scale - 1) > _SAME_SCALE for r in resizes):
        return None
    if resizes[0].mode == "nearest":
        return "nearest" if all(_torch_picks_the_same(r) for r in resizes) else None
    rules = {_torch_rule(r) for r in resizes}
    if not rules < {"half_pixel", "align_corners"} or len(rules) > 1:
        return None
    if resizes[0].mode == "linear":
        return _TORCH_LINEAR[x.ndim]
    plain = resizes[0].cubic_a == _TORCH_CUBIC_A and not resizes[0].exclude_outside
    return "bicubic" if plain and x.ndim == 4 else None


def _torch_rule(resize: AxisResize) -> str:
    """`pytorch_half_pixel` differs from `half_pixel` for a single element only."""
    one = resize.after == 1
    return "half_pixel" if resize.coordinates == "pytorch_half_pixel" and not one else resize.coordinates


def _torch_picks_the_same(resize: AxisResize) -> bool:
    """Whether torch's nearest, floor(i * before / after) in float32, chooses the same elements."""
    ratio = torch.tensor(resize.before, dtype=torch.float32) / resize.after
    torch_choice = (torch.arange(resize.after, dtype=torch.float32) * ratio).floor().long().clamp(max=resize.before - 1)
    return torch.equal(torch_choice, resize.chosen(resize.positions()))


OPERATORS: dict[Key, Operator] = {("", "Resize"): _resize, ("", "Upsample"): _upsample}

HOST_INPUTS: dict[Key, tuple[int, ...]] = {("", "Resize"): (1, 2, 3), ("", "Upsample"): (1,)}
