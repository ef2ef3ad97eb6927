"""Networks of torchvision."""

from collections.abc import Callable

from torch import nn

from benchmarks.coverage.zoo.model import Entry, Model


def _network(name: str) -> Callable[[], nn.Module]:
    def build() -> nn.Module:
        from torchvision.models import segmentation

        return Entry(getattr(segmentation, name)(weights=None, weights_backbone=None, num_classes=21), "out")

    return build


MODELS: dict[str, Model] = {
    f"torchvision/{name}": Model(family, _network(name), (3, 128, 128), widely=True)
    for name, family in {
        "deeplabv3_resnet50": "DeepLabV3",
        "fcn_resnet50": "FCN",
        "lraspp_mobilenet_v3_large": "LR-ASPP",
    }.items()
}
