"""Designs that no library offers, after their papers; smaller than published.

TransUNet (Chen et al. 2021): a small configuration of `exporters.networks.transunet`.
U2-Net (Qin et al. 2020): a U whose blocks are U's, with side outputs.
MeshNet (Fedorov et al. 2017): dilated convolutions at full resolution.
"""

import torch
import torch.nn.functional as F  # noqa: N812 - torch's own abbreviation
from torch import Tensor, nn

from benchmarks.coverage.zoo.model import Model
from exporters.networks.transunet import TransUNet


def _convolution(read: int, made: int, dilation: int = 1) -> nn.Module:
    return nn.Sequential(nn.Conv2d(read, made, 3, padding=dilation, dilation=dilation), nn.BatchNorm2d(made), nn.ReLU())


def _like(x: Tensor, other: Tensor) -> Tensor:
    return F.interpolate(x, size=other.shape[2:], mode="bilinear", align_corners=False)


def _halved(x: Tensor) -> Tensor:
    return F.max_pool2d(x, 2, stride=2, ceil_mode=True)


class _NestedU(nn.Module):
    """Residual U-block (Qin et al. 2020, Fig. 2e)."""

    def __init__(self, height: int, read: int, inner: int, made: int) -> None:
        super().__init__()
        self.first = _convolution(read, made)
        self.down = nn.ModuleList([_convolution(made if k == 0 else inner, inner) for k in range(height - 1)])
        self.bottom = _convolution(inner, inner, dilation=2)
        self.up = nn.ModuleList([_convolution(2 * inner, made if k == 0 else inner) for k in range(height - 1)][::-1])

    def forward(self, x: Tensor) -> Tensor:
        x = first = self.first(x)
        maps: list[Tensor] = []
        for k, block in enumerate(self.down):
            x = block(_halved(x) if k else x)
            maps.append(x)
        x = self.bottom(x)
        for block in self.up:
            skip = maps.pop()
            x = block(torch.cat([_like(x, skip), skip], 1))
        total: Tensor = x + first
        return total


class U2Net(nn.Module):
    """U2-Net (Qin et al. 2020, Fig. 5) with four stages; its first result joins the side outputs."""

    def __init__(self) -> None:
        super().__init__()
        down = [(7, 3, 32), (6, 32, 32), (5, 32, 64), (4, 64, 64)]
        self.down = nn.ModuleList([_NestedU(height, read, 16, made) for height, read, made in down])
        up = [(5, 128, 32), (6, 64, 32), (7, 64, 32)]
        self.up = nn.ModuleList([_NestedU(height, read, 16, made) for height, read, made in up])
        self.sides = nn.ModuleList([nn.Conv2d(width, 1, 3, padding=1) for width in (64, 32, 32, 32)])
        self.joined = nn.Conv2d(4, 1, 1)

    def forward(self, image: Tensor) -> tuple[Tensor, ...]:
        """Probabilities (N, 1, H, W): joined, then one a side output."""
        maps: list[Tensor] = []
        x = image
        for k, block in enumerate(self.down):
            x = block(_halved(x) if k else x)
            maps.append(x)
        decoded = [maps.pop()]
        for block in self.up:
            skip = maps.pop()
            decoded.append(block(torch.cat([_like(decoded[-1], skip), skip], 1)))
        sides = [_like(side(x), image) for side, x in zip(self.sides, decoded, strict=True)]
        return tuple(torch.sigmoid(x) for x in (self.joined(torch.cat(sides, 1)), *sides))


def _meshnet() -> nn.Module:
    """MeshNet (Fedorov et al. 2017, Table 1): dilations 1, 1, 2, 4, 8, 1, then a 1x1x1 convolution."""
    layers: list[nn.Module] = []
    for k, dilation in enumerate((1, 1, 2, 4, 8, 1)):
        convolution = nn.Conv3d(1 if k == 0 else 10, 10, 3, padding=dilation, dilation=dilation)
        layers += [convolution, nn.BatchNorm3d(10), nn.ELU()]
    return nn.Sequential(*layers, nn.Conv3d(10, 3, 1))


def _transunet() -> nn.Module:
    return TransUNet(
        (128, 128), 1, blocks=(1, 1, 1), width=16, hidden=128, layers=4, heads=4, decoder=(128, 64, 32, 16)
    )


MODELS: dict[str, Model] = {
    "papers/transunet": Model("TransUNet", _transunet, (1, 128, 128), widely=True),
    "papers/u2net": Model("U2-Net", U2Net, (3, 128, 128)),
    "papers/meshnet": Model("MeshNet 3-D", _meshnet, (1, 32, 32, 32)),
}
