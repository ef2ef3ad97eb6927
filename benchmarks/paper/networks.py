"""The paper's networks (section 4.1), and the smaller ones that two processor cores can train."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from torch import nn

from exporters.demo_model.unet import UNet
from exporters.networks.transunet import TransUNet


@dataclass(frozen=True)
class Recipe:
    """A network and how it is trained.

    Attributes:
        name: what the results call it.
        build: the number of classes -> the network.
        side: height and width of its input.
        channels: of its input: 3, or 1.
        epochs: times that every training image is seen.
        batch: images a step.
        learning_rate: the highest of the one-cycle schedule, for AdamW.
        hide: the largest share of an image's pixels that training makes black.
    """

    name: str
    build: Callable[[int], nn.Module]
    side: int
    channels: int
    epochs: int
    batch: int = 16
    learning_rate: float = 1e-3
    weight_decay: float = 1e-4
    hide: float = 0.0

    def preprocessing(self) -> dict[str, Any]:
        """What the exported file declares about its input."""
        color = "RGB" if self.channels == 3 else "GRAY"
        size = [self.side, self.side]
        return {"scale": 1 / 255, "mean": [0.0], "std": [1.0], "color": color, "layout": "NCHW", "size": size}


def _smp_unet(encoder: str, channels: int) -> Callable[[int], nn.Module]:
    def build(classes: int) -> nn.Module:
        import segmentation_models_pytorch as smp  # noqa: PLC0415 - the small networks do without

        network: nn.Module = smp.Unet(encoder, encoder_weights=None, in_channels=channels, classes=classes)
        return network

    return build


def _small_unet(classes: int) -> nn.Module:
    return UNet(classes=classes)


def _small_transunet(classes: int) -> nn.Module:
    return TransUNet(
        (64, 64), 1, classes, blocks=(1, 1, 1), width=16, hidden=64, layers=2, heads=4, decoder=(32, 32, 16, 16)
    )


def _transunet(classes: int) -> nn.Module:
    return TransUNet(channels=1, classes=classes)


RECIPES: dict[tuple[str, str], Recipe] = {
    # With batch normalisation, since plain VGG-16 does not train from random weights.
    ("triangle", "unet"): Recipe("U-Net, VGG-16 with batch normalisation", _smp_unet("vgg16_bn", 3), 224, 3, 20),
    ("synapse", "unet"): Recipe("U-Net, ResNet-34", _smp_unet("resnet34", 1), 224, 1, 60),
    ("synapse", "transunet"): Recipe("TransUNet", _transunet, 224, 1, 80, learning_rate=3e-4),
}
"""By data set and model, as the paper has them; weights start at random."""

SMALL: dict[tuple[str, str], Recipe] = {
    ("triangle", "unet"): Recipe("small U-Net, 0.28 M parameters", _small_unet, 224, 3, 8, learning_rate=4e-3),
    ("synapse", "unet"): Recipe("U-Net, ResNet-18, input of 64x64", _smp_unet("resnet18", 1), 64, 1, 10),
    ("synapse", "transunet"): Recipe("TransUNet of width 16, input of 64x64", _small_transunet, 64, 1, 10),
}
"""What `--small` trains instead."""


def recipe(dataset: str, model: str, *, small: bool) -> Recipe:
    """The network for a column of the paper.

    Raises:
        ValueError: the paper trained no such network.
    """
    known = SMALL if small else RECIPES
    if (dataset, model) not in known:
        pairs = ", ".join(f"{data} {network}" for data, network in known)
        raise ValueError(f"the paper trained no {model} on {dataset}; trained are: {pairs}")
    return known[dataset, model]
