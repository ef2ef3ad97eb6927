"""One small network of every family: exported, and explained without a further word."""

import json
from pathlib import Path

import cv2
import numpy as np
import pytest

from exporters.families import FAMILIES
from misure_onnx.api import load_segmenter
from misure_onnx.cli import main as misure
from tests.exporters.exporting import export

NAMES = ("sky", "tree", "road")
SIDE = "64"

SMALL = {
    "torchvision": "torchvision lraspp_mobilenet_v3_large",
    "smp": "smp Unet --set encoder_name=mobilenet_v2 --set encoder_depth=3 --set decoder_channels=(32,16,8)",
    "timm": "timm mobilenetv3_small_050 --set encoder_depth=3 --set decoder_channels=(32,16,8)",
    "transformers": "transformers segformer --set depths=[1,1,1,1] --set hidden_sizes=[8,16,32,64] "
    "--set decoder_hidden_size=32",
    "monai": "monai UNet --channels 1 --set channels=(8,16,32) --set strides=(2,2)",
    "transunet": "transunet TransUNet --set blocks=1,1,1 --set width=8 --set hidden=64 --set layers=2 --set heads=2 "
    "--set decoder=32,16,8,8",
    "module": "module exporters.demo_model.unet:UNet --set classes=3 --set widths=8,8,16 --set dilations=1,2",
    "keras": "keras exporters.networks.keras_u_net:u_net",
    "sklearn": "sklearn RandomForestClassifier --set n_estimators=5 --set max_depth=5",
}
"""Family -> arguments; the older exporter takes a tenth of the newer one's time."""


@pytest.fixture
def photograph(tmp_path: Path) -> Path:
    rng = np.random.default_rng(0)
    smooth = cv2.resize(rng.integers(0, 256, (6, 6, 3), np.uint8), (80, 64), interpolation=cv2.INTER_CUBIC)
    cv2.imwrite(str(tmp_path / "photograph.png"), smooth)
    return tmp_path / "photograph.png"


def test_every_family_is_tried_here() -> None:
    assert set(SMALL) == set(FAMILIES)


@pytest.mark.parametrize("family", SMALL)
def test_an_export_is_explained_without_flags(
    family: str, photograph: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    size = [] if family == "sklearn" else ["--size", SIDE]
    command = [*SMALL[family].split(), *size, "--class-names", ",".join(NAMES), "--licence", "CC0-1.0"]
    model = export(
        tmp_path / "model.onnx", *command, "--random-weights", "--exporter", "legacy", "--image", str(photograph)
    )

    segmenter = load_segmenter(model, provider="cpu")
    declared = segmenter.spec.preprocessing
    assert segmenter.spec.class_names == NAMES
    assert segmenter.identity.notes == ()
    assert (declared.licence, declared.output) == ("CC0-1.0", segmenter.spec.head.kind)
    assert "random weights (seed 0)" in (declared.source or "")

    report = json.loads((tmp_path / "model.parity.json").read_text(encoding="utf-8"))
    assert report["notes"] == []
    assert report["parity"]["several_images"] == "kept apart"
    assert report["parity"]["real"]["names"] == ["photograph.png"]
    capsys.readouterr()

    assert misure(["explain", str(model), str(photograph), "--out", str(tmp_path / "out")]) == 0
    explanation = json.loads((tmp_path / "out" / "explanation.json").read_text(encoding="utf-8"))
    assert explanation["target"]["class_name"] in NAMES
    assert not any("was assumed" in note for note in explanation["provenance"]["notes"])
