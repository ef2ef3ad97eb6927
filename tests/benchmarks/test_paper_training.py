"""Training and export of the paper's networks, in small."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch

pytest.importorskip("segmentation_models_pytorch", reason="the paper's U-Nets need it: pip install --group paper")
pytest.importorskip("h5py", reason="Synapse's preprocessed files need h5py: pip install --group paper")

from benchmarks.datasets.labelled import UNKNOWN, LabelledImage
from benchmarks.paper.deploy import deploy
from benchmarks.paper.networks import RECIPES, SMALL, recipe
from benchmarks.paper.train import as_input, hidden, loss, main
from misure_onnx.api import load_segmenter
from misure_onnx.images import load_image
from tests.benchmarks.synapse_files import write_preprocessed


def test_the_loss_is_zero_for_the_truth_and_known_for_a_guess() -> None:
    labels = torch.tensor([[[0, 1], [1, UNKNOWN]]])
    right = torch.where(labels[:, None] == torch.tensor([0, 1])[None, :, None, None], 50.0, -50.0)
    assert loss(right, labels).item() == pytest.approx(0, abs=1e-6)
    # Both classes at 0.5 on three known pixels, two of them 1: Dice (2 * 1 + 1) / (1.5 + 2 + 1).
    assert loss(torch.zeros(1, 2, 2, 2), labels).item() == pytest.approx(np.log(2) + 1 - 3 / 4.5, abs=1e-6)


def test_hiding_blackens_at_most_the_share_and_leaves_the_labels() -> None:
    picture, labels = np.ones((3, 64, 64), np.float32), np.ones((64, 64), np.int64)
    rng = np.random.default_rng(0)
    shares = []
    for _ in range(50):
        seen, kept = hidden(picture, labels, 0.6, rng)
        assert kept is labels
        assert (seen == seen[:1]).all(), "a pixel is hidden in all channels or in none"
        shares.append(float((seen[0] == 0).mean()))
    assert max(shares) < 0.6 + 0.03  # three deviations of 4096 draws
    assert max(shares) - min(shares) > 0.4
    assert hidden(picture, labels, 0.0, rng)[0] is picture


@pytest.mark.parametrize("model", ["unet", "transunet"])
def test_a_network_is_trained_and_its_dice_recorded(tmp_path: Path, model: str) -> None:
    data = write_preprocessed(tmp_path / "synapse", ("0005",), ("0001",), (1, 2, 5))
    out = tmp_path / "trained.onnx"
    main(["synapse", model, "--data", str(data), "--out", str(out), "--small", "--epochs", "2"])
    record = json.loads(out.with_suffix(".json").read_text(encoding="utf-8"))
    assert record["small"] is True
    assert record["validation_images"] == record["training_images"] == 3
    assert set(record["validation_dice"]["by_class"]) == {"aorta", "gallbladder", "liver"}
    spec = load_segmenter(out).spec
    assert spec.class_names is not None
    assert spec.class_names[5] == "liver"


@pytest.mark.parametrize("known", [RECIPES, SMALL])
def test_a_deployed_network_says_what_torch_says(tmp_path: Path, known: dict[tuple[str, str], object]) -> None:
    """Of one network each: the input prepared for training is that of the deployed file."""
    small = known is SMALL
    chosen = recipe("triangle" if small else "synapse", "unet", small=small)
    torch.manual_seed(0)
    network = chosen.build(3).eval()
    deploy(network, tmp_path / "network.onnx", chosen, ("a", "b", "c"))
    segmenter = load_segmenter(tmp_path / "network.onnx", provider="cpu")
    image = np.random.default_rng(0).integers(0, 65536, (100, 90), np.uint16)
    item = LabelledImage("noise", image, np.zeros(image.shape, np.int64), "noise")
    picture, labels = as_input(item, chosen)
    assert labels.shape == (chosen.side, chosen.side)
    np.testing.assert_allclose(segmenter.prepare(load_image(image))[0], picture, atol=1e-6)
    with torch.inference_mode():
        expected = network(torch.from_numpy(picture)[None]).numpy()
    given = segmenter.predict(picture[None])
    assert np.abs(given - expected).max() < 1e-4 * np.abs(expected).max()


def test_a_network_that_the_paper_did_not_train_is_refused() -> None:
    with pytest.raises(ValueError, match="triangle unet"):
        recipe("coco", "unet", small=False)
