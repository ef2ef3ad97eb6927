"""Metrics that run a method again, on methods whose maps are known."""

import dataclasses
from pathlib import Path

import numpy as np
import pytest
from scipy.stats import spearmanr

from misure_onnx.api import load_segmenter, make_metrics
from misure_onnx.errors import ModelOutputError
from misure_onnx.methods.base import Method
from misure_onnx.methods.misure import MiSuRe
from misure_onnx.methods.rise import Rise
from misure_onnx.methods.sufficient_region import SufficientRegion
from misure_onnx.metrics.base import Rerun
from misure_onnx.metrics.manipulability import Manipulability, _random_blocks, flipped
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
    moved = shifted(image, levels, PRESETS["imagenet"])
    assert levels_of(moved) == pytest.approx(expected, abs=1e-3)
    assert moved.dtype == np.float32


@pytest.mark.parametrize(
    ("mean", "std"),
    [((0.5,), (0.1, 0.2)), ((0.5, 0.25), (0.1,)), ((0.5,), (0.1,)), ((0.5, 0.25), (0.1, 0.2))],
)
def test_one_declared_mean_or_deviation_holds_for_every_channel(
    mean: tuple[float, ...], std: tuple[float, ...]
) -> None:
    """Two channels; what is declared once and what is declared for each, in every combination."""
    declared = Preprocessing(scale=1 / 255, mean=mean, std=std)
    pixels = np.random.default_rng(0).integers(0, 256, (2, *SIZE))
    levels = np.random.default_rng(1).integers(-30, 31, (2, *SIZE))
    means, deviations = ((values * 2)[:2] for values in (mean, std))

    def as_input(some: np.ndarray[tuple[int, ...], np.dtype[np.int64]]) -> Images:
        channels = [(channel / 255 - m) / s for channel, m, s in zip(some, means, deviations, strict=True)]
        return np.asarray(channels, np.float32)[None]

    expected = as_input(np.clip(pixels + levels, 0, 255))
    assert shifted(as_input(pixels), levels, declared) == pytest.approx(expected, abs=1e-4)


def test_max_sensitivity_is_the_largest_change_of_perturbed_runs(method: ScoresAsMap) -> None:
    again = rerun(method)
    result = MaxSensitivity(perturbations=4).measure(again)
    perturbed = method.images[1:]
    assert len(perturbed) == 4
    for image in perturbed:
        moved = levels_of(image) - levels_of(method.image)
        assert np.abs(moved).max() == pytest.approx(5, abs=1e-3)
        assert set(np.rint(moved).astype(int).ravel()) == set(range(-5, 6))
        inside = ((PICTURE >= 5) & (PICTURE <= 250)).all(axis=2)  # where nothing is cut off
        assert not np.array_equal(np.rint(moved[0])[inside], np.rint(moved[1])[inside]), "every channel has its own"
    changes = [
        np.linalg.norm(method(image=image) - again.saliency) / np.linalg.norm(again.saliency) for image in perturbed
    ]
    assert result.details["changes"] == pytest.approx(changes)
    assert result.value == pytest.approx(max(changes))


@pytest.mark.parametrize("norm", [0, 1])
def test_only_of_a_map_that_is_zero_everywhere_no_change_is_relative(method: ScoresAsMap, norm: int) -> None:
    saliency = np.zeros(SIZE, np.float32)
    saliency[3, 4] = norm
    result = MaxSensitivity(perturbations=1).measure(dataclasses.replace(rerun(method), saliency=saliency))
    if norm:
        assert result.value == pytest.approx(np.linalg.norm(method(image=method.images[-1]) - saliency))
    else:
        reason = "the map is zero everywhere, so a change has nothing to be compared with"
        assert (result.value, result.details) == (None, {"reason": reason})


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
    assert result.details == {"reason": "only an ONNX file has weights that can be permuted"}


def test_where_the_random_model_cannot_be_explained_the_reason_is_passed_on(method: ScoresAsMap) -> None:
    def refuses(**_: object) -> SaliencyMap:
        raise ModelOutputError("the scores are not finite")

    result = Randomisation(steps=2).measure(dataclasses.replace(rerun(method), explain=refuses))
    assert result.value is None
    assert result.details == {"reason": "the randomised model cannot be explained: the scores are not finite"}


def test_manipulability_stays_within_its_levels_and_only_grows_with_the_budget(method: ScoresAsMap) -> None:
    method.noise = 0
    short, long = (Manipulability(budget=budget, dice=0.0).measure(rerun(method)) for budget in (1, 12))
    for image in method.images:
        assert np.abs(levels_of(image) - levels_of(method.image)).max() <= 2 + 1e-3
    assert short.value is not None
    assert long.value is not None
    assert 0 < short.value <= long.value
    assert long.details["allowed"] == 12


GREY = network_input(np.full((*SIZE, 3), 128, np.uint8), PRESETS["imagenet"], 3, SIZE)


def signs_of(image: Images) -> np.ndarray[tuple[int, ...], np.dtype[np.int64]]:
    """Of perturbations of the grey picture, of which nothing is cut off."""
    return np.rint((levels_of(image) - 128) / 2).astype(int)


def test_the_value_is_the_largest_change_among_the_perturbations_that_were_explained(method: ScoresAsMap) -> None:
    method.noise = 0
    again = rerun(method)
    before = len(method.images)
    result = Manipulability(budget=8, dice=0.0).measure(again)
    tried = method.images[before:]
    changes = [1 - spearmanr(again.saliency.ravel(), method(image=image).ravel()).statistic for image in tried]
    assert np.argmax(changes) > 0, "a later perturbation must be better than the first to test anything"
    assert result.value == pytest.approx(max(changes), abs=1e-6)
    best = tried[int(np.argmax(changes))]
    assert result.details == {"tried": 8, "allowed": 8, "dice_kept": pytest.approx(float(again.dice_in(best)[0]))}


def test_the_search_goes_on_from_what_moves_the_map_further_and_not_from_what_moves_it_as_far(
    method: ScoresAsMap,
) -> None:
    """A map that never changes: each perturbation is the first one with one square flipped, ever smaller ones."""
    method.image = GREY
    again, tried = rerun(method), list[Images]()

    def unmoved(
        *, image: Images | None = None, seed: int | None = None, segmenter: Segmenter | None = None
    ) -> SaliencyMap:
        assert image is not None
        assert (seed, segmenter) == (None, None)
        tried.append(image)
        return again.saliency

    budget = 10
    result = Manipulability(budget=budget, dice=0.0).measure(dataclasses.replace(again, explain=unmoved))
    assert result.value == 0
    first, *later = map(signs_of, tried)
    assert set(first.ravel()) == {-1, 1}
    assert not np.array_equal(first[0], first[1]), "every channel has its own signs"
    for k, signs in enumerate(later, start=1):
        side = max(1, round(0.5 * (1 - k / budget) * min(SIZE)))
        flipped_at = np.argwhere(signs != first)
        assert len(flipped_at) == side**2
        assert np.ptp(flipped_at, axis=0).tolist() == [0, side - 1, side - 1]


def test_a_perturbation_that_just_keeps_the_dice_is_allowed(method: ScoresAsMap) -> None:
    just = dataclasses.replace(rerun(method), dice_in=lambda images: np.full(len(images), 0.75))
    assert Manipulability(budget=3, dice=0.75).measure(just).details["allowed"] == 3
    assert Manipulability(budget=3, dice=0.76).measure(just).value is None


@pytest.mark.parametrize(("size", "block"), [((2, 64, 20), 4), ((2, 20, 64), 4), ((2, 50, 33), 3), ((1, 9, 15), 1)])
def test_the_start_s_signs_are_constant_on_blocks_of_a_sixteenth_of_the_longer_side(
    size: tuple[int, int, int], block: int
) -> None:
    signs = _random_blocks(size, 1.0, np.random.default_rng(0))
    assert signs.shape == size
    rows, columns = (np.arange(extent) // block * block for extent in size[1:])
    assert np.array_equal(signs, signs[:, rows][:, :, columns])
    for axis, extent in enumerate(size[1:], start=1):  # and on none that are larger
        changes = np.flatnonzero((np.diff(signs, axis=axis) != 0).any(axis=tuple({0, 1, 2} - {axis})))
        assert (changes + 1).tolist() == list(range(block, extent, block))
    assert set(signs.ravel()) == {-1, 1}
    some = _random_blocks((1, 800, 800), 0.25, np.random.default_rng(0))
    assert np.mean(some != 0) == pytest.approx(0.25, abs=0.05)


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
