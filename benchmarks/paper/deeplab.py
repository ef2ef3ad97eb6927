"""DeepLabV3 ResNet-50 of torchvision, with its pretrained weights from a file, as an ONNX file.

    python -m benchmarks.paper.deeplab --weights deeplabv3_resnet50_coco-cd0a2569.pth --out out/coco_deeplabv3.onnx

The weights are torchvision's `COCO_WITH_VOC_LABELS_V1`: trained on COCO's images of the 20 classes of Pascal VOC.
"""

import argparse
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from exporters.plain_export import export

VOC = (
    "background", "aeroplane", "bicycle", "bird", "boat", "bottle", "bus", "car", "cat", "chair", "cow", "diningtable",
    "dog", "horse", "motorbike", "person", "pottedplant", "sheep", "sofa", "train", "tvmonitor",
)  # fmt: skip
SIDE = 520
"""Torchvision resizes to 520 pixels; ONNX files have one size, so here images are squeezed to a square."""


class Scores(nn.Module):
    """The main output alone."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, images: Tensor) -> Tensor:
        """(N, 3, H, W) -> logits (N, 21, H, W)."""
        logits: Tensor = self.network(images)["out"]
        return logits


def main(arguments: list[str] | None = None) -> None:
    """Parses the command line and writes the file."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.paper.deeplab", description=__doc__)
    parser.add_argument("--weights", type=Path, required=True, help="the .pth file of torchvision's weights")
    parser.add_argument("--out", type=Path, required=True, help="the ONNX file to write")
    parser.add_argument("--side", type=int, default=SIDE, help="height and width of the input (%(default)s)")
    options = parser.parse_args(arguments)
    network = _network(torch.load(options.weights, map_location="cpu", weights_only=True))
    options.out.parent.mkdir(parents=True, exist_ok=True)
    export(Scores(network), options.out, (3, options.side, options.side), declared(options.side))


def declared(side: int) -> dict[str, Any]:
    """What the exported file says about itself."""
    return {
        "scale": 1 / 255,
        "mean": [0.485, 0.456, 0.406],
        "std": [0.229, 0.224, 0.225],
        "color": "RGB",
        "layout": "NCHW",
        "size": [side, side],
        "class_names": list(VOC),
        "output": "logits",
    }


def _network(weights: dict[str, Tensor]) -> nn.Module:
    from torchvision.models.segmentation import deeplabv3_resnet50  # noqa: PLC0415 - the only user

    network: nn.Module = deeplabv3_resnet50(weights=None, weights_backbone=None, num_classes=len(VOC), aux_loss=True)
    network.load_state_dict(weights)
    return network.eval()


if __name__ == "__main__":
    main()
