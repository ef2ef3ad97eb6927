"""Normalisation with stored statistics (BatchNormalization) and with those of the data itself."""

import torch
import torch.nn.functional as F  # noqa: N812 - torch's own abbreviation
from torch import Tensor

from misure_onnx.gradients.torch_bridge.node import Key, Node, Operator

_EPSILON = 1e-5


def _batch_normalization(  # noqa: PLR0917 - the order of inputs is ONNX's
    node: Node, x: Tensor, scale: Tensor, bias: Tensor, mean: Tensor, variance: Tensor
) -> Tensor:
    """BatchNormalization with running statistics.

    Raises:
        NotImplementedError: training mode, which normalises by the batch it is fed.
    """
    if node.flag("training_mode") or (node.opset < 14 and node.wants(1)) or not node.flag("spatial", default=True):
        raise NotImplementedError("BatchNormalization in training mode; export the model for inference")
    epsilon = node.number("epsilon", _EPSILON)
    return F.batch_norm(x, mean.to(x.dtype), variance.to(x.dtype), scale.to(x.dtype), bias.to(x.dtype), eps=epsilon)


def _instance_normalization(node: Node, x: Tensor, scale: Tensor, bias: Tensor) -> Tensor:
    """One mean and variance an image and channel: as many groups as channels."""
    return torch.group_norm(x, x.shape[1], scale, bias, node.number("epsilon", _EPSILON))


def _group_normalization(node: Node, x: Tensor, scale: Tensor, bias: Tensor) -> Tensor:
    """Scale and bias are one a group in opset 18, one a channel since 21."""
    groups = node.integer("num_groups", 1)
    if scale.shape[0] != x.shape[1]:
        repeats = x.shape[1] // groups
        scale, bias = scale.repeat_interleave(repeats), bias.repeat_interleave(repeats)
    return torch.group_norm(x, groups, scale, bias, node.number("epsilon", _EPSILON))


def _layer_normalization(
    node: Node, x: Tensor, scale: Tensor | None = None, bias: Tensor | None = None
) -> tuple[Tensor, ...]:
    """Over all axes from `axis` on; also mean and inverse standard deviation where asked for."""
    axis, epsilon = node.integer("axis", -1) % x.ndim, node.number("epsilon", _EPSILON)
    shape = list(x.shape[axis:])
    plain = all(weight is None or list(weight.shape) == shape for weight in (scale, bias))
    if plain and not node.wants(1) and not node.wants(2):
        return (F.layer_norm(x, shape, scale, bias, epsilon),)
    axes = tuple(range(axis, x.ndim))
    mean = x.mean(axes, keepdim=True)
    inverse = torch.rsqrt((x - mean).square().mean(axes, keepdim=True) + epsilon)
    y = (x - mean) * inverse
    y = y if scale is None else y * scale
    return y if bias is None else y + bias, mean, inverse


def _rms_normalization(node: Node, x: Tensor, scale: Tensor) -> Tensor:
    """x / root mean square, over all axes from `axis` on."""
    axes = tuple(range(node.integer("axis", -1) % x.ndim, x.ndim))
    return x * torch.rsqrt(x.square().mean(axes, keepdim=True) + node.number("epsilon", _EPSILON)) * scale


def _mean_variance_normalization(node: Node, x: Tensor) -> Tensor:
    axes = tuple(node.integers("axes") or (0, 2, 3))
    centred = x - x.mean(axes, keepdim=True)
    return centred / (centred.square().mean(axes, keepdim=True).sqrt() + 1e-9)


def _lp_normalization(node: Node, x: Tensor) -> Tensor:
    """Divides by the norm along an axis; zeros stay zeros."""
    norm = torch.linalg.vector_norm(x, node.integer("p", 2), node.integer("axis", -1), keepdim=True)
    return x / torch.where(norm == 0, torch.ones_like(norm), norm)


def _local_response_normalization(node: Node, x: Tensor) -> Tensor:
    """LRN: squares summed over `size` neighbouring channels, the longer half after the channel itself."""
    size = node.integer("size", 1)
    squares = x.square().reshape(x.shape[0], 1, x.shape[1], -1)
    padded = F.pad(squares, (0, 0, (size - 1) // 2, size // 2))
    means = F.avg_pool2d(padded, (size, 1), 1).reshape(x.shape)
    return x / (node.number("bias", 1.0) + node.number("alpha", 1e-4) * means) ** node.number("beta", 0.75)


OPERATORS: dict[Key, Operator] = {
    ("", "BatchNormalization"): _batch_normalization,
    ("", "GroupNormalization"): _group_normalization,
    ("", "InstanceNormalization"): _instance_normalization,
    ("", "LRN"): _local_response_normalization,
    ("", "LayerNormalization"): _layer_normalization,
    ("", "LpNormalization"): _lp_normalization,
    ("", "MeanVarianceNormalization"): _mean_variance_normalization,
    ("", "RMSNormalization"): _rms_normalization,
}
