"""Synthetic images, and batch normalisation calibrated on them.

With random weights alone, activations of a deep network explode or die; with statistics measured on images of
realistic smoothness they keep their scale, as in a trained network.
"""

import torch
import torch.nn.functional as F  # noqa: N812 - torch's own abbreviation
from torch import Tensor, nn

_DISCS = 4
_BATCHES, _IMAGES = 2, 6
_SPREAD = 1.5
_SMALLEST_VARIANCE = 1e-3


def scenes(count: int, shape: tuple[int, ...], seed: int) -> Tensor:
    """Smooth colour fields with discs (balls) of one colour and a little noise.

    Args:
        count: N.
        shape: of one image, (C, H, W) or (C, D, H, W).
        seed: of every random choice.

    Returns:
        (N, C, ...) float32 in [0, 1].
    """
    chance = torch.Generator().manual_seed(seed)
    channels, *size = shape
    smooth = {2: "bicubic", 3: "trilinear"}[len(size)]

    def field(cells: int) -> Tensor:
        coarse = torch.rand((count, channels, *[cells] * len(size)), generator=chance)
        return F.interpolate(coarse, size=size, mode=smooth, align_corners=False)

    images = field(4) + (field(12) - 0.5) / 4
    axes = torch.meshgrid(*[torch.linspace(0, 1, side) for side in size], indexing="ij")
    for image in images:
        for _ in range(_DISCS):
            centre, radius = torch.rand(len(size), generator=chance), 0.08 + 0.2 * torch.rand(1, generator=chance)
            squares = [(axis - place) ** 2 for axis, place in zip(axes, centre, strict=True)]
            inside = torch.stack(squares).sum(0) < radius**2
            image[:, inside] = torch.rand((channels, 1), generator=chance)
    return (images + 0.02 * torch.randn(images.shape, generator=chance)).clamp(0, 1)


def calibrate(network: nn.Module, shape: tuple[int, ...]) -> None:
    """Takes the statistics of all batch normalisation layers from scenes; the network is left in evaluation mode."""
    network.eval()
    layers = [layer for layer in network.modules() if isinstance(layer, nn.modules.batchnorm._BatchNorm)]  # noqa: SLF001 - torch names no public base class
    if not layers:
        return
    momenta = [layer.momentum for layer in layers]
    for layer in layers:
        layer.momentum = 1.0
        layer.train()
    with torch.no_grad():
        for seed in range(_BATCHES):
            network(scenes(_IMAGES, shape, seed))
        for layer, momentum in zip(layers, momenta, strict=True):
            layer.momentum = momentum
            if layer.running_var is not None:
                layer.running_var.mul_(_SPREAD).clamp_(min=_SMALLEST_VARIANCE)
    network.eval()
