"""KernelSHAP on models whose Shapley values are known by hand or by brute force over all coalitions."""

from itertools import product
from math import comb
from pathlib import Path

import numpy as np
import pytest

from misure_onnx.errors import ParameterError
from misure_onnx.methods.kernel_shap import KernelShap
from misure_onnx.methods.superpixels import superpixels
from misure_onnx.overlap import soft_dice
from tests.methods.asked import task_on
from tests.tiny_models import bright_pixels, disc_image, key_region, noise_image, small_network, uniform

SIZE = (30, 40)


@pytest.mark.parametrize("value", ["soft_dice", "dice", "mean_probability"])
def test_few_superpixels_give_the_exact_shapley_values(tmp_path: Path, value: str) -> None:
    task = task_on(small_network(tmp_path / "net.onnx", size=SIZE), noise_image(SIZE), preprocess="minus1_1")
    parts = superpixels("grid", task.image, 6, 10.0)
    assert parts.max() == 5
    y = task.target.region

    def worth(z: tuple[int, ...]) -> float:
        scores = task.segmenter.predict(task.image * np.array(z, np.float32)[parts])[0]
        exponentials = np.exp(scores - scores.max(axis=0))
        p = (exponentials / exponentials.sum(axis=0))[1]
        found = scores.argmax(axis=0) == 1
        return {
            "soft_dice": soft_dice(p, y.astype(np.float32)),
            "dice": 2 * float((found & y).sum()) / float(found.sum() + y.sum()),
            "mean_probability": float(p[y].mean()),
        }[value]

    game = {z: worth(z) for z in product((0, 1), repeat=6)}
    phi = [
        sum((game[(*z[:j], 1, *z[j + 1 :])] - game[z]) / (6 * comb(5, sum(z))) for z in game if not z[j])
        for j in range(6)
    ]
    found = KernelShap.with_parameters({"features": 6, "partition": "grid", "value": value}).attribute(task)
    assert max(phi) - min(phi) > 0.01, "the players must differ to test anything"
    assert found.trace["shapley_values"] == pytest.approx(phi, abs=1e-6)
    assert found.saliency == pytest.approx(np.array(phi)[parts], abs=1e-6)
    assert found.trace["standard_error"] == [0]
    assert any("all coalitions" in note for note in found.notes)


def test_a_linear_model_gets_each_part_s_own_contribution_from_a_sample(tmp_path: Path) -> None:
    picture = np.random.default_rng(3).integers(0, 256, SIZE, np.uint8)
    task = task_on(bright_pixels(tmp_path / "m.onnx", size=SIZE), picture)
    found = KernelShap(features=30, partition="grid", value="mean_score").attribute(task)
    parts, y = superpixels("grid", task.image, 30, 10.0), task.target.region
    # The class's score is x - 0.5 pixel by pixel: a part contributes the sum of its x over the object's pixels.
    contributions = [float(task.image[0, 0][y & (parts == k)].sum() / y.sum()) for k in range(30)]
    assert found.trace["shapley_values"] == pytest.approx(contributions, abs=1e-6)
    assert found.trace["additive_share"] == pytest.approx([1], abs=1e-6)
    assert found.trace["split_half_correlation"] == pytest.approx([1], abs=1e-6)


@pytest.mark.parametrize("partition", ["slic", "hexagons", "grid"])
def test_the_values_add_up_and_lie_on_the_evidence(tmp_path: Path, partition: str) -> None:
    shape = (42, 42)
    thing, key = np.zeros(shape, bool), np.zeros(shape, bool)
    thing[6:18, 6:18] = True
    key[28:36, 28:36] = True
    task = task_on(key_region(tmp_path / "key.onnx", object_region=thing, key=key), np.full(shape, 255, np.uint8))
    found = KernelShap.with_parameters({"features": 36, "partition": partition, "budget": 500}).attribute(task)
    nothing, whole = found.trace["value"]
    assert sum(found.trace["shapley_values"]) == pytest.approx(whole - nothing, abs=1e-12)
    assert abs(found.trace["additivity_residual"][0]) < 1e-12
    assert key[found.saliency == found.saliency.max()].mean() > 0.3  # a part may stick out of the evidence
    assert found.saliency[key].mean() > 10 * abs(found.saliency[thing].mean())
    assert found.trace["split_half_correlation"][0] > 0.9
    assert task.segmenter.forwards == 1 + 500


def test_the_default_budget_is_2_n_plus_2048(bright_pixels: Path) -> None:
    task = task_on(bright_pixels, disc_image())
    KernelShap(features=24, partition="grid").attribute(task)
    assert task.segmenter.forwards == 1 + 2 * 24 + 2048


def test_a_game_without_any_gain_says_so(tmp_path: Path) -> None:
    found = KernelShap(features=4).attribute(task_on(uniform(tmp_path / "uniform.onnx"), noise_image()))
    assert found.status == "uninformative"
    assert not found.saliency.any()


def test_a_budget_too_small_for_the_superpixels_is_refused_with_the_least(bright_pixels: Path) -> None:
    task = task_on(bright_pixels, disc_image())
    with pytest.raises(ParameterError, match="at least 50 for 24 superpixels, got 40"):
        KernelShap(features=24, partition="grid", budget=40).attribute(task)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("features", 1), ("partition", "watershed"), ("compactness", 0.0), ("budget", 3), ("value", "iou"),
        ("threshold", 1.0),
    ],
)  # fmt: skip
def test_a_parameter_outside_its_range_is_refused(name: str, value: float | str) -> None:
    with pytest.raises(ParameterError, match=name):
        KernelShap.with_parameters({name: value})
