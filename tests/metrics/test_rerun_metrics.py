"""Metrics that run a method again, on methods whose maps are known."""

from pathlib import Path

import numpy as np
import pytest
from scipy.stats import spearmanr

from misure_onnx.api import load_segmenter, make_metrics
from misure_onnx.methods.base import Method
from misure_onnx.methods.misure import MiSuRe
from misure_onnx.methods.rise import Rise
from misure_onnx.methods.sufficient_region import SufficientRegion
from misure_onnx.metrics.base import Rerun
from misure_onnx.metrics.manipulability import Manipulability, flipped
from misure_onnx.metrics.max_sensitivity import MaxSensitivity
from misure_onnx.metrics.pixel_levels import shifted
from misure_onnx.metrics.randomisation import Randomisation
from misure_onnx.metrics.seed_agreement import SeedAgreement
from misure_onnx.network_input import network_input
from misure_onnx.preprocessing import PRESETS, Preprocessing
from misure_onnx.segmenter import Segmenter
from misure_onnx.target import Target
from misure_onnx.types import Images, SaliencyMap
from tests.tiny_models import SIZE, noise_image, small_network

PICTURE = noise_image()


class ScoresAsMap:
    """A "method" whose map is the first class's score; remembers what it was asked."""

    def __init__(self, segmenter: Segmenter, image: Images, *, noise: float = 0.0) -> None:
        self.segmenter, self.image, self.noise = segmenter, image, noise
        self.images: list[Images] = []

    def __call__(
        self, *, image: Images | None = None, seed: int | None = None, segmenter: Segmenter | None = None
    ) -> SaliencyMap:
        taken = self.image if image is None else image
        self.images.append(taken)
        scores = (segmenter or self.segmenter).predict(taken)[0, 0]
        noise = np.random.default_rng(seed or 0).standard_normal(SIZE, np.float32)
        return np.asarray(scores + np.float32(self.noise) * noise, np.float32)


@pytest.fixture
def method(tmp_path: Path) -> ScoresAsMap:
    segmenter = load_segmenter(small_network(tmp_path / "net.onnx"), "imagenet")
    return ScoresAsMap(segmenter, network_input(PICTURE, PRESETS["imagenet"], 3, SIZE), noise=0.2)


def rerun(method: ScoresAsMap, *, seed: int = 0) -> Rerun:
    segmenter, image = method.segmenter, method.image
    target = Target().resolve(segmenter.spec, segmenter.predict(image), SIZE)
    return Rerun(
        explain=method,
        saliency=method(seed=seed),
        segmenter=segmenter,
        image=image,
        dice_in=lambda images: target.dice(
            segmenter.spec.head.membership(segmenter.predict(images), target.class_index)
        ),
        seed=seed,
    )


def levels_of(image: Images) -> np.ndarray[tuple[int, ...], np.dtype[np.float64]]:
    """Back from the network's input to pixels."""
    declared = PRESETS["imagenet"]
    std, mean = (np.array(values)[:, None, None] for values in (declared.std, declared.mean))
    return np.asarray((image[0] * std + mean) / declared.scale, np.float64)


def test_levels_are_added_to_the_picture_and_stay_in_its_range() -> None:
    image = network_input(PICTURE, PRESETS["imagenet"], 3, SIZE)
    levels = np.random.default_rng(1).integers(-30, 31, (3, *SIZE))
    expected = np.clip(PICTURE.transpose(2, 0, 1).astype(int) + levels, 0, 255)
    assert levels_of(shifted(image, levels, PRESETS["imagenet"])) == pytest.approx(expected, abs=1e-3)


def test_max_sensitivity_is_the_largest_change_of_perturbed_runs(method: ScoresAsMap) -> None:
    again = rerun(method)
    result = MaxSensitivity(perturbations=4).measure(again)
    perturbed = method.images[1:]
    assert len(perturbed) == 4
    for image in perturbed:
        moved = levels_of(image) - levels_of(method.image)
        assert np.abs(moved).max() == pytest.approx(5, abs=1e-3)
    changes = [
        np.linalg.norm(method(image=image) - again.saliency) / np.linalg.norm(again.saliency) for image in perturbed
    ]
    assert result.details["changes"] == pytest.approx(changes)
    assert result.value == pytest.approx(max(changes))


def test_seed_agreement_is_the_mean_over_pairs(method: ScoresAsMap) -> None:
    result = SeedAgreement(runs=2).measure(rerun(method, seed=5))
    maps = [method(seed=seed).ravel() for seed in (5, 6, 7)]
    pairs = [spearmanr(maps[a], maps[b]).statistic for a, b in ((0, 1), (0, 2), (1, 2))]
    assert result.details["pairs"] == pytest.approx(pairs)
    assert result.value == pytest.approx(np.mean(pairs))


def test_randomisation_cascades_to_a_model_that_knows_nothing(method: ScoresAsMap) -> None:
    method.noise = 0
    result = Randomisation(steps=2).measure(rerun(method))
    assert result.value is not None
    assert result.details["share_of_layers"] == [0.5, 1]
    assert result.value == abs(result.details["correlation"][1])
    assert result.value < 0.6
    assert Randomisation(steps=2).measure(rerun(method)) == result


def test_a_python_function_has_no_weights_to_randomise(method: ScoresAsMap) -> None:
    function = load_segmenter(lambda x: 4 * x[:, :2], {"size": list(SIZE), "output": "sigmoid_logits"})
    method.segmenter = function
    result = Randomisation().measure(rerun(method))
    assert result.value is None
    assert "only an ONNX file" in result.details["reason"]


def test_manipulability_stays_within_its_levels_and_only_grows_with_the_budget(method: ScoresAsMap) -> None:
    method.noise = 0
    short, long = (Manipulability(budget=budget, dice=0.0).measure(rerun(method)) for budget in (1, 12))
    for image in method.images:
        assert np.abs(levels_of(image) - levels_of(method.image)).max() <= 2 + 1e-3
    assert short.value is not None
    assert long.value is not None
    assert 0 < short.value <= long.value
    assert long.details["allowed"] == 12


@pytest.mark.parametrize("share", [0.01, 0.25, 0.6])
def test_signs_are_flipped_in_one_square_of_one_channel_that_may_lie_anywhere(share: float) -> None:
    signs = np.random.default_rng(0).choice(np.array([-1, 1]), (3, 10, 14))
    side, corners = max(1, round(share * 10)), set()
    rng = np.random.default_rng(1)
    for _ in range(400):
        changed = flipped(signs, share, rng) * signs == -1
        channels = np.flatnonzero(changed.any(axis=(1, 2)))
        rows, columns = (np.flatnonzero(changed.any(axis=axes)) for axes in ((0, 2), (0, 1)))
        assert len(channels) == 1
        assert changed.sum() == side**2
        assert (len(rows), len(columns)) == (side, side)
        corners |= {("channel", channels[0]), ("row", rows[0]), ("column", columns[0])}
    places = {"channel": range(3), "row": range(10 - side + 1), "column": range(14 - side + 1)}
    assert corners == {(name, place) for name, allowed in places.items() for place in allowed}


def test_a_level_of_a_volume_is_a_255th_of_its_channel_s_range() -> None:
    volume = np.zeros((1, 2, 2, 2, 2), np.float32)
    volume[0, 0], volume[0, 1] = np.arange(8).reshape(2, 2, 2) * 255 - 300, np.arange(8).reshape(2, 2, 2) + 10
    moved = shifted(volume, np.full((2, 2, 2, 2), 2), Preprocessing())
    change = moved - volume
    assert change[0, 0].ravel()[:-1] == pytest.approx(14.0)  # (7 * 255) / 255 a level
    assert change[0, 1].ravel()[:-1] == pytest.approx(2 * 7 / 255, rel=1e-3)
    assert change[0, :, -1, -1, -1] == pytest.approx(0), "nothing leaves the channel's range"


def test_what_changes_the_prediction_is_not_allowed_and_not_explained(method: ScoresAsMap) -> None:
    again = rerun(method)
    before = len(method.images)
    result = Manipulability(budget=4, dice=1.0, levels=120).measure(again)
    assert result.value is None
    assert result.details == {"reason": "none of 4 perturbations kept the prediction"}
    assert len(method.images) == before


def test_a_start_that_is_not_allowed_is_followed_by_weaker_ones(method: ScoresAsMap) -> None:
    result = Manipulability(budget=12, dice=0.99, levels=20).measure(rerun(method))
    assert result.value is not None
    assert 0 < result.details["allowed"] < 12
    assert 0.99 <= result.details["dice_kept"] < 1 + 1e-9


@pytest.mark.parametrize(
    "quick",
    [SufficientRegion(), Rise(masks=40), MiSuRe(iterations=3, mask_size=16), MiSuRe(route="search", budget=20)],
    ids=["sufficient_region", "rise", "misure", "misure-search"],
)
def test_real_methods_can_be_run_again_on_a_random_model_with_the_target_fixed(tmp_path: Path, quick: Method) -> None:
    segmenter = load_segmenter(small_network(tmp_path / "net.onnx"), "imagenet")
    metrics = make_metrics("randomisation", {"randomisation.steps": "1"})
    record = quick.explain(segmenter, PICTURE, metrics=metrics).metrics.more["randomisation"]
    assert record.value is not None
    assert record.predicted_mask == 1  # ignores the model, and is caught
    assert record.forwards > 0
