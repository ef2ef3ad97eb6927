"""TransUNet (Chen et al. 2021, figure 1): a ResNet, a transformer on its last maps, a decoder with skip connections.

The ResNet is that of the hybrid vision transformer (Dosovitskiy et al. 2021, section 4.1, after Kolesnikov et al.
2020): group normalisation, standardised convolutions, and the fourth stage's blocks in the third.
"""

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.nn.utils import parametrize

_GROUPS = 32
_EPSILON = 1e-5
_BEFORE_DECODER = 512


class Standardised(nn.Module):
    """Weights with mean 0 and variance 1 for every output channel (Qiao et al. 2019, eq. 2)."""

    def forward(self, weight: Tensor) -> Tensor:
        """(O, I, h, w) -> the same shape."""
        variance, mean = torch.var_mean(weight, dim=(1, 2, 3), keepdim=True, correction=0)
        return (weight - mean) / torch.sqrt(variance + _EPSILON)


class Bottleneck(nn.Module):
    """1x1, 3x3 and 1x1 convolutions beside a shortcut (He et al. 2016, figure 5)."""

    def __init__(self, read: int, made: int, stride: int) -> None:
        super().__init__()
        inner = made // 4
        self.body = nn.Sequential(
            *_normalised(read, inner, 1), nn.ReLU(), *_normalised(inner, inner, 3, stride), nn.ReLU(),
            *_normalised(inner, made, 1),
        )  # fmt: skip
        changes = read != made or stride > 1
        self.shortcut = nn.Sequential(*_normalised(read, made, 1, stride)) if changes else nn.Identity()

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, H, W) -> (N, made, H / stride, W / stride)."""
        joined: Tensor = self.shortcut(x) + self.body(x)
        return functional.relu(joined)


class EncoderLayer(nn.Module):
    """Attention and a perceptron, each behind a layer normalisation and beside a shortcut (eq. 2 and 3)."""

    def __init__(self, hidden: int, heads: int, perceptron: int, dropout: float) -> None:
        super().__init__()
        self.heads = heads
        self.before_attention, self.before_perceptron = nn.LayerNorm(hidden), nn.LayerNorm(hidden)
        self.queries_keys_values, self.mixed = nn.Linear(hidden, 3 * hidden), nn.Linear(hidden, hidden)
        self.perceptron = nn.Sequential(
            nn.Linear(hidden, perceptron), nn.GELU(), nn.Dropout(dropout), nn.Linear(perceptron, hidden),
        )  # fmt: skip
        self.dropout = nn.Dropout(dropout)

    def forward(self, tokens: Tensor) -> Tensor:
        """(N, P, hidden) -> the same shape."""
        tokens = tokens + self.dropout(self._attention(self.before_attention(tokens)))
        tokens = tokens + self.dropout(self.perceptron(self.before_perceptron(tokens)))
        return tokens  # noqa: RET504 - torch's layers are untyped

    def _attention(self, tokens: Tensor) -> Tensor:
        by_head = self.queries_keys_values(tokens).unflatten(-1, (3, self.heads, -1)).permute(2, 0, 3, 1, 4)
        found = functional.scaled_dot_product_attention(by_head[0], by_head[1], by_head[2])
        mixed: Tensor = self.mixed(found.transpose(1, 2).flatten(2))
        return mixed


class TransUNet(nn.Module):
    """(N, C, H, W) -> logits (N, classes, H, W).

    Args:
        size: (H, W), multiples of 16: the transformer knows its places.
        channels: C.
        classes: of the logits.
        blocks: bottleneck blocks at a quarter, an eighth and a sixteenth of the size.
        width: channels at half the size; a quarter has 4, an eighth 8, a sixteenth 16 times as many.
        hidden, layers, heads: of the transformer, whose perceptrons have four times `hidden`.
        decoder: channels at an eighth, a quarter, half and all of the size.
        dropout: of the transformer, in training.
    """

    def __init__(
        self,
        size: tuple[int, int] = (224, 224),
        channels: int = 3,
        classes: int = 9,
        *,
        blocks: Sequence[int] = (3, 4, 9),
        width: int = 64,
        hidden: int = 768,
        layers: int = 12,
        heads: int = 12,
        decoder: Sequence[int] = (256, 128, 64, 16),
        dropout: float = 0.1,
    ) -> None:
        super().__init__()
        if size[0] % 16 or size[1] % 16:
            raise ValueError(f"height and width must be multiples of 16; got {size}")
        self.grid = (size[0] // 16, size[1] // 16)
        self.root = nn.Sequential(*_normalised(channels, width, 7, 2), nn.ReLU())
        self.pool = nn.MaxPool2d(3, 2, padding=1)
        widths = (width, 4 * width, 8 * width, 16 * width)
        self.stages = nn.ModuleList(
            _stage(read, made, count, 1 if k == 0 else 2)
            for k, (read, made, count) in enumerate(zip(widths[:-1], widths[1:], blocks, strict=True))
        )
        self.embedding = nn.Conv2d(widths[-1], hidden, 1)
        self.position = nn.Parameter(0.02 * torch.randn(1, self.grid[0] * self.grid[1], hidden))
        self.layers = nn.ModuleList(EncoderLayer(hidden, heads, 4 * hidden, dropout) for _ in range(layers))
        self.normalised = nn.LayerNorm(hidden)
        before = min(_BEFORE_DECODER, hidden)
        self.widened = _convolution(hidden, before)
        skips = (*widths[2::-1], 0)
        self.decoder = nn.ModuleList(
            nn.Sequential(_convolution(read + skip, made), _convolution(made, made))
            for read, skip, made in zip((before, *decoder[:-1]), skips, decoder, strict=True)
        )
        self.head = nn.Conv2d(decoder[-1], classes, 3, padding=1)

    def forward(self, images: Tensor) -> Tensor:
        """Logits of images."""
        x = self.root(images)
        skips, x = [x], self.pool(x)
        for stage in self.stages:
            x = stage(x)
            skips.append(x)
        tokens = self.embedding(skips.pop()).flatten(2).transpose(1, 2) + self.position
        for layer in self.layers:
            tokens = layer(tokens)
        x = self.widened(self.normalised(tokens).transpose(1, 2).unflatten(2, self.grid))
        for block in self.decoder:
            x = functional.interpolate(x, scale_factor=2, mode="bilinear", align_corners=False)
            x = block(torch.cat([x, skips.pop()], 1) if skips else x)
        scores: Tensor = self.head(x)
        return scores


def _normalised(read: int, made: int, side: int, stride: int = 1) -> tuple[nn.Module, nn.Module]:
    """A standardised convolution and a group normalisation."""
    convolution = nn.Conv2d(read, made, side, stride, padding=side // 2, bias=False)
    parametrize.register_parametrization(convolution, "weight", Standardised())
    return convolution, nn.GroupNorm(min(_GROUPS, made), made)


def _stage(read: int, made: int, blocks: int, stride: int) -> nn.Sequential:
    return nn.Sequential(*(Bottleneck(made if k else read, made, 1 if k else stride) for k in range(blocks)))


def _convolution(read: int, made: int) -> nn.Sequential:
    return nn.Sequential(nn.Conv2d(read, made, 3, padding=1, bias=False), nn.BatchNorm2d(made), nn.ReLU())
