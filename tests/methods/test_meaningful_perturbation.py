"""Meaningful perturbation against a slow transcription in torch, and on a model whose evidence is known."""

from pathlib import Path

import numpy as np
import pytest

from misure_onnx.api import load_segmenter, make_method
from misure_onnx.errors import ParameterError
from misure_onnx.mask import dilate
from misure_onnx.methods.meaningful_perturbation import MeaningfulPerturbation, _JitteredMask
from misure_onnx.target import Target
from tests.methods.asked import task_on
from tests.methods.same_network import torch_twin
from tests.tiny_models import key_region, noise_image, small_network, uniform

SHAPE = (40, 48)


@pytest.mark.parametrize("game", ["deletion", "preservation"])
def test_both_games_end_on_the_evidence(tmp_path: Path, game: str) -> None:
    thing, key = np.zeros(SHAPE, bool), np.zeros(SHAPE, bool)
    thing[8:32, 8:40] = True
    key[14:22, 20:30] = True
    task = task_on(key_region(tmp_path / "key.onnx", object_region=thing, key=key), np.full(SHAPE, 255, np.uint8))
    settings = {"game": game, "mask_size": 16, "baseline": "zero", "jitter": 0, "smoothness_weight": 0.1}
    found = MeaningfulPerturbation.with_parameters(settings).attribute(task)
    assert found.status == "ok"
    assert (found.trace["dice"][-1] < 0.5) == (game == "deletion")
    assert found.saliency[key].mean() > 0.9
    assert found.saliency[~dilate(key)].mean() < 0.1  # a grid cell is 2.5 x 3 pixels


@pytest.mark.parametrize("game", ["deletion", "preservation"])
def test_both_games_end_on_the_evidence_in_a_volume(tmp_path: Path, game: str) -> None:
    size = (12, 14, 16)
    thing, key = np.zeros(size, bool), np.zeros(size, bool)
    thing[1:11, 2:12, 2:14] = True
    key[3:7, 4:8, 5:10] = True
    segmenter = load_segmenter(key_region(tmp_path / "key.onnx", object_region=thing, key=key), {})
    settings = {"game": game, "mask_size": "8", "baseline": "zero", "jitter": "1", "smoothness_weight": "0.1"}
    method = make_method("meaningful_perturbation", None, {**settings, "iterations": "100"})
    found = method.explain(segmenter, np.ones((*size, 1), np.float32), Target.from_class(1))
    assert found.provenance.status == "ok"
    assert (found.trace["dice"][-1] < 0.5) == (game == "deletion")
    assert found.saliency[key].mean() > found.saliency[~dilate(key)].mean() + 0.5


@pytest.mark.parametrize("game", ["deletion", "preservation"])
def test_every_loss_is_that_of_a_slow_transcription(tmp_path: Path, game: str) -> None:
    torch = pytest.importorskip("torch", reason="torch is not installed")
    path = small_network(tmp_path / "net.onnx", size=SHAPE)
    task = task_on(path, noise_image(SHAPE, 3), preprocess="minus1_1")
    settings = {"game": game, "mask_size": 8, "iterations": 25, "jitter": 0, "baseline": "mean", "start": "ones"}
    settings |= {"area_weight": 0.3, "smoothness_weight": 0.1}
    method = MeaningfulPerturbation.with_parameters(settings)
    network, x = torch_twin(path), torch.tensor(task.image)
    y, mean = torch.tensor(task.target.region), x.mean(dim=(2, 3), keepdim=True)
    grid = torch.ones(8, 8, requires_grad=True)
    adam = torch.optim.Adam([grid], lr=0.1)
    losses = []
    for _ in range(26):
        m = torch.nn.functional.interpolate(grid[None, None], SHAPE, mode="bilinear", align_corners=False)[0, 0]
        p = torch.softmax(network(x * m + mean * (1 - m)), 1)[0, 1][y].mean()
        variation = (grid.diff(dim=0).abs() ** 3).mean() + (grid.diff(dim=1).abs() ** 3).mean()
        area, data = ((1 - grid).abs().mean(), p) if game == "deletion" else (grid.abs().mean(), 1 - p)
        loss = data + 0.3 * area + 0.1 * variation
        losses.append(float(loss.detach()))
        adam.zero_grad()
        loss.backward()
        adam.step()
        with torch.no_grad():
            grid.clamp_(0, 1)
    found = method.attribute(task)
    assert np.ptp(losses) > 0.02, "the loss must move to test anything"
    # Adam's first steps are signs: rounding near a zero gradient moves single cells.
    assert found.trace["loss"] == pytest.approx(losses, abs=2e-3)


def test_the_gradient_of_a_jittered_mask_goes_back_to_where_it_was_seen() -> None:
    mask, rng = _JitteredMask(6, (20, 24), 3), np.random.default_rng(0)
    for shift in ((0, 0), (3, -3), (-1, 2)):
        values, gradient = rng.random((6, 6), np.float32), rng.normal(size=(20, 24)).astype(np.float32)
        forth = float(np.sum(mask.seen(values, shift).astype(np.float64) * gradient))
        back = float(np.sum(mask.pull_back(gradient, shift).astype(np.float64) * values))
        assert forth == pytest.approx(back, abs=1e-3)
    assert np.array_equal(mask.seen(values, (1, 0))[:-1], mask.seen(values, (0, 0))[1:])


def test_a_lost_game_says_so(tmp_path: Path) -> None:
    found = MeaningfulPerturbation(iterations=3).attribute(task_on(uniform(tmp_path / "u.onnx"), noise_image()))
    assert found.status == "uninformative"
    assert any("game was lost" in note for note in found.notes)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("game", "chess"), ("start", "zeros"), ("mask_size", 1), ("iterations", 0), ("learning_rate", 0.0),
        ("area_weight", -1.0), ("smoothness_weight", -1.0), ("jitter", -1), ("smoothness_exponent", 0.5),
        ("threshold", 1.0),
    ],
)  # fmt: skip
def test_a_parameter_outside_its_range_is_refused(name: str, value: float | str) -> None:
    with pytest.raises(ParameterError, match=name):
        MeaningfulPerturbation.with_parameters({name: value})
