"""A small U-Net whose bottleneck sees the whole triangle.

After three halvings (112, 56, 28 at an input of 224), residual blocks with dilations 4, 8 and 12 look 216 pixels
far in every direction; the triangle's legs are 100 pixels long.
"""

from collections.abc import Sequence

import torch
from torch import Tensor, nn


class Residual(nn.Module):
    """y = relu(x + f(x)), f: a dilated and a plain 3x3 convolution."""

    def __init__(self, channels: int, dilation: int) -> None:
        super().__init__()
        self.far = convolution(channels, channels, dilation=dilation)
        self.near = convolution(channels, channels)[:-1]

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, H, W) -> the same shape."""
        return torch.relu(x + self.near(self.far(x)))


class UNet(nn.Module):
    """(N, 3, H, W) in [0, 1] -> logits (N, classes, H, W); H and W are multiples of 8.

    Args:
        widths: channels at a half, a quarter and an eighth of the input's size.
        dilations: of the bottleneck's residual blocks.
        classes: channels of the output.
    """

    def __init__(
        self, widths: tuple[int, int, int] = (16, 24, 64), dilations: Sequence[int] = (4, 8, 12), classes: int = 2
    ) -> None:
        super().__init__()
        half, quarter, eighth = widths
        self.encode_half = nn.Sequential(convolution(3, half, stride=2), convolution(half, half))
        self.encode_quarter = nn.Sequential(convolution(half, quarter, stride=2), convolution(quarter, quarter))
        self.encode_eighth = convolution(quarter, eighth, stride=2)
        self.bottleneck = nn.Sequential(*(Residual(eighth, dilation) for dilation in dilations))
        self.enlarge = nn.Upsample(scale_factor=2, mode="nearest")
        self.decode_quarter = convolution(eighth + quarter, quarter)
        self.decode_half = convolution(quarter + half, 2 * half)
        self.logits = nn.ConvTranspose2d(2 * half, classes, kernel_size=2, stride=2)

    def forward(self, images: Tensor) -> Tensor:
        """Logits for a batch of images."""
        half = self.encode_half(images)
        quarter = self.encode_quarter(half)
        context = self.bottleneck(self.encode_eighth(quarter))
        decoded = self.decode_quarter(torch.cat([self.enlarge(context), quarter], dim=1))
        decoded = self.decode_half(torch.cat([self.enlarge(decoded), half], dim=1))
        logits: Tensor = self.logits(decoded)
        return logits


def convolution(inputs: int, outputs: int, *, stride: int = 1, dilation: int = 1) -> nn.Sequential:
    """3x3 convolution, batch normalisation, ReLU."""
    return nn.Sequential(
        nn.Conv2d(inputs, outputs, 3, stride, padding=dilation, dilation=dilation, bias=False),
        nn.BatchNorm2d(outputs),
        nn.ReLU(),
    )
