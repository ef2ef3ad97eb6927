"""Sampling at computed places: GridSample, AffineGrid, deformable convolution."""

from types import MappingProxyType

import torch
import torch.nn.functional as F  # noqa: N812 - torch's own abbreviation
from torch import Tensor

from misure_onnx.gradients.torch_bridge.host_values import integers
from misure_onnx.gradients.torch_bridge.node import Key, Node, Operator
from misure_onnx.gradients.torch_bridge.operators.windows import explicit_pads, unit_or

_TORCH_MODES = MappingProxyType({"linear": "bilinear", "cubic": "bicubic"})  # opset 20 renamed them


def _grid_sample(node: Node, x: Tensor, grid: Tensor) -> Tensor:
    """x (N, C, H, W) or (N, C, D, H, W) at places (N, ..., 2 or 3) in [-1, 1], the last axis first."""
    mode = node.text("mode", "linear")
    aligned = node.flag("align_corners")
    return F.grid_sample(x, grid, _TORCH_MODES.get(mode, mode), node.text("padding_mode", "zeros"), aligned)


def _affine_grid(node: Node, theta: Tensor, size: Tensor) -> Tensor:
    return F.affine_grid(theta, integers(size), node.flag("align_corners"))


def _deformable_convolution(  # noqa: PLR0917 - the order of inputs is ONNX's
    node: Node, x: Tensor, w: Tensor, offset: Tensor, b: Tensor | None = None, mask: Tensor | None = None
) -> Tensor:
    """DeformConv in two dimensions (Dai et al. 2017; with a mask Zhu et al. 2019).

    Args:
        node: strides, dilations, pads, groups.
        x: (N, C, H, W).
        w: (M, C/group, kh, kw).
        offset: (N, offset_group * kh * kw * 2, h, w), rows before columns.
        b: (M,).
        mask: (N, offset_group * kh * kw, h, w), a factor for every tap.

    Raises:
        NotImplementedError: other than two dimensions.
    """
    if x.ndim != 4:
        raise NotImplementedError(f"DeformConv is known for two dimensions, got data of shape {tuple(x.shape)}")
    n, c, height, width = x.shape
    taps, h, w_out = w.shape[2] * w.shape[3], offset.shape[2], offset.shape[3]
    groups, group = node.integer("offset_group", 1), node.integer("group", 1)
    shifts = offset.reshape(n * groups, taps, 2, h, w_out)
    rows, columns = _tap_places(node, w, h, w_out, x.device)
    rows, columns = rows + shifts[:, :, 0], columns + shifts[:, :, 1]
    grid = torch.stack([(2 * columns + 1) / width - 1, (2 * rows + 1) / height - 1], -1)
    maps = x.reshape(n * groups, c // groups, height, width)
    sampled = F.grid_sample(maps, grid.reshape(n * groups, taps * h, w_out, 2).to(x.dtype), align_corners=False)
    sampled = sampled.reshape(n, groups, c // groups, taps, h * w_out)
    if mask is not None:
        sampled = sampled * mask.reshape(n, groups, 1, taps, h * w_out)
    columns_of_x = sampled.reshape(n, group, c // group * taps, h * w_out)
    y = (w.reshape(group, w.shape[0] // group, -1) @ columns_of_x).reshape(n, w.shape[0], h, w_out)
    return y if b is None else y + b.reshape(1, -1, 1, 1)


def _tap_places(node: Node, w: Tensor, h: int, w_out: int, device: torch.device) -> tuple[Tensor, Tensor]:
    """Row (taps, h, 1) and column (taps, 1, w) of every tap of every output, without offsets."""
    (top, _), (left, _) = explicit_pads(node, 2)
    strides, dilations = unit_or(node, "strides", 2), unit_or(node, "dilations", 2)
    kh, kw = w.shape[2], w.shape[3]
    row_taps = (torch.arange(kh, device=device) * dilations[0]).repeat_interleave(kw)
    column_taps = (torch.arange(kw, device=device) * dilations[1]).repeat(kh)
    rows = torch.arange(h, device=device) * strides[0] - top
    columns = torch.arange(w_out, device=device) * strides[1] - left
    return row_taps[:, None, None] + rows[None, :, None], column_taps[:, None, None] + columns[None, None, :]


OPERATORS: dict[Key, Operator] = {
    ("", "AffineGrid"): _affine_grid,
    ("", "DeformConv"): _deformable_convolution,
    ("", "GridSample"): _grid_sample,
}

HOST_INPUTS: dict[Key, tuple[int, ...]] = {("", "AffineGrid"): (1,)}
