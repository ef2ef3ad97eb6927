"""Networks as frameworks save them, with their weights."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from misure_onnx.api import load_segmenter
from tests.exporters.exporting import export, needs

OLDER = ["--exporter", "legacy"]


def test_a_directory_of_smp_is_exported(tmp_path: Path) -> None:
    needs("smp")
    import segmentation_models_pytorch as smp  # noqa: PLC0415
    import torch  # noqa: PLC0415

    network = smp.Unet("mobilenet_v2", encoder_weights=None, encoder_depth=3, decoder_channels=(32, 16, 8), classes=4)
    torch.nn.init.constant_(network.segmentation_head[0].bias, 3.0)
    network.save_pretrained(tmp_path / "saved")
    model = export(
        tmp_path / "model.onnx", "smp", "saved", "--weights", str(tmp_path / "saved"), "--size", "32", *OLDER
    )
    segmenter, image = load_segmenter(model, provider="cpu"), np.zeros((1, 3, 32, 32), np.float32)
    with torch.inference_mode():
        expected = network.eval()(torch.from_numpy(image)).numpy()
    assert segmenter.predict(image) == pytest.approx(expected, abs=1e-4)


def test_a_bundle_of_monai_is_exported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    needs("monai")
    import json  # noqa: PLC0415

    import torch  # noqa: PLC0415
    from monai.networks.nets.unet import UNet  # noqa: PLC0415

    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    settings: dict[str, Any] = {
        "spatial_dims": 2,
        "in_channels": 1,
        "out_channels": 3,
        "channels": [4, 8],
        "strides": [2],
    }
    bundle = tmp_path / "hub" / "bundle" / "small"
    for folder in ("configs", "models"):
        (bundle / folder).mkdir(parents=True)
    network = UNet(**settings).eval()
    torch.save(network.state_dict(), bundle / "models" / "model.pt")
    (bundle / "configs" / "train.json").write_text(json.dumps({"network_def": {"_target_": "UNet", **settings}}))
    (bundle / "configs" / "metadata.json").write_text(json.dumps({"version": "0.1.0"}))
    model = export(
        tmp_path / "model.onnx",
        "monai",
        "small",
        "--pretrained",
        "--preprocess",
        "unit",
        "--channels",
        "1",
        "--size",
        "32",
        *OLDER,
    )
    image = np.random.default_rng(0).random((1, 1, 32, 32), np.float32)
    with torch.inference_mode():
        expected = network(torch.from_numpy(image)).numpy()
    assert load_segmenter(model, provider="cpu").predict(image) == pytest.approx(expected, abs=1e-4)


@pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")  # Keras's own
def test_a_keras_file_is_exported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    needs("keras")
    monkeypatch.setenv("KERAS_BACKEND", "torch")
    import keras  # noqa: PLC0415

    from exporters.networks.keras_u_net import u_net  # noqa: PLC0415

    keras.utils.set_random_seed(1)
    network = u_net(32, 4)
    network.save(tmp_path / "saved.keras")
    model = export(
        tmp_path / "model.onnx", "keras", str(tmp_path / "saved.keras"), "--pretrained", "--preprocess", "unit", *OLDER
    )
    segmenter, image = (
        load_segmenter(model, provider="cpu"),
        np.random.default_rng(0).random((1, 3, 32, 32), np.float32),
    )
    expected = keras.ops.convert_to_numpy(network(image.transpose(0, 2, 3, 1), training=False))
    assert segmenter.predict(image) == pytest.approx(expected.transpose(0, 3, 1, 2), abs=1e-5)
    declared = segmenter.spec.preprocessing
    assert (declared.layout, declared.output, declared.output_layout) == ("NHWC", "softmax", "NHWC")


def test_a_fitted_classifier_of_ones_own_is_exported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    needs("sklearn")
    (tmp_path / "my_training.py").write_text(
        "from sklearn.linear_model import LogisticRegression\n"
        "from exporters.pixel_features import labelled_scene, pixel_features\n"
        "def fitted():\n"
        "    image, labels = labelled_scene(0, 2, 3)\n"
        "    return LogisticRegression().fit(pixel_features(image, (7,)), labels.ravel())\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    command = ["sklearn", "my_training:fitted", "--pretrained", "--preprocess", "unit", "--set", "windows=7"]
    model = export(tmp_path / "model.onnx", *command)
    from exporters.pixel_features import labelled_scene, pixel_features  # noqa: PLC0415

    image, labels = labelled_scene(1, 2, 3)
    found = load_segmenter(model, provider="cpu").predict(image)
    assert np.mean(found.argmax(axis=1)[0] == labels) > 0.95
    import importlib  # noqa: PLC0415

    expected = importlib.import_module("my_training").fitted().predict_proba(pixel_features(image, (7,)))
    assert pytest.approx(expected, abs=1e-5) == found[0].reshape(2, -1).T
