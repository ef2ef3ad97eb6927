"""DeepLabV3's weights from a file to a file that says itself how to be used."""

from pathlib import Path

import pytest
import torch

pytest.importorskip("torchvision", reason="DeepLabV3 is torchvision's: pip install --group paper")

from torchvision.models.segmentation import deeplabv3_resnet50

from benchmarks.datasets.coco import CLASSES
from benchmarks.paper.deeplab import VOC, main
from misure_onnx.api import load_segmenter


def test_weights_from_a_file_become_a_model_with_named_classes(tmp_path: Path) -> None:
    torch.manual_seed(0)
    network = deeplabv3_resnet50(weights=None, weights_backbone=None, num_classes=len(VOC), aux_loss=True).eval()
    torch.save(network.state_dict(), tmp_path / "weights.pth")
    main(["--weights", str(tmp_path / "weights.pth"), "--out", str(tmp_path / "deeplab.onnx"), "--side", "48"])
    segmenter = load_segmenter(tmp_path / "deeplab.onnx", provider="cpu")
    assert segmenter.spec.class_names == VOC
    assert set(CLASSES) <= set(VOC)
    image = torch.randn(1, 3, 48, 48, generator=torch.Generator().manual_seed(0))
    with torch.inference_mode():
        expected = network(image)["out"].numpy()
    assert abs(segmenter.predict(image.numpy()) - expected).max() < 1e-4 * abs(expected).max()
