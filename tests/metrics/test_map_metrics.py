"""Metrics of a map, known by hand: a pixel is the object if and only if it is above one half."""

from pathlib import Path

import numpy as np
import pytest

from misure_onnx.api import load_segmenter
from misure_onnx.methods.progress import silent
from misure_onnx.methods.task import Task
from misure_onnx.metrics.area_order import AreaOrder, equal_steps
from misure_onnx.metrics.base import MapCandidate
from misure_onnx.metrics.dice_by_ratio import DiceByRatio
from misure_onnx.metrics.image_preserved import ImagePreserved
from misure_onnx.metrics.infidelity import Infidelity
from misure_onnx.metrics.insertion import Deletion, Insertion
from misure_onnx.metrics.prediction_preserved import ExcessPrediction, PredictionPreserved
from misure_onnx.metrics.restoring_area import RestoringArea
from misure_onnx.segmenter import CountingSegmenter
from misure_onnx.target import Target
from misure_onnx.types import Images, SaliencyMap
from tests.metrics.candidates import OBJECT, rows_of_object
from tests.tiny_models import SIZE, bright_pixels, key_region, uniform

ON_OBJECT = OBJECT.astype(np.float32)
NO_MAP = np.zeros(SIZE, np.float32)
PIXELS, ALL = 80, 480


def judged_map(
    model: Path, saliency: SaliencyMap, image: Images = ON_OBJECT[None, None], baseline: str = "zero"
) -> MapCandidate:
    segmenter = CountingSegmenter(load_segmenter(model, "raw"))
    target = Target.from_class(1).resolve(segmenter.spec, segmenter.predict(image), SIZE)
    task = Task(segmenter, image, target, 0, 4, silent)
    return MapCandidate(saliency, segmenter, image, target, task.judged, baseline, 0)


@pytest.fixture
def bright(tmp_path: Path) -> Path:
    return bright_pixels(tmp_path / "bright.onnx")


def dice(found: int) -> float:
    """Of a part of the object."""
    return 2 * found / (found + PIXELS)


def trapezoids(values: list[float], places: list[float]) -> float:
    pairs = zip(values[:-1], values[1:], places[:-1], places[1:], strict=True)
    return sum((left + right) / 2 * (end - start) for left, right, start, end in pairs)


# The order of pixels


def test_equal_pixels_come_in_random_order_and_others_do_not() -> None:
    order = AreaOrder(ON_OBJECT, 3, seed=1)
    for area in (0, PIXELS, ALL):
        (mask,) = order.masks(area)
        assert int(mask.sum()) == area
    assert np.array_equal(next(order.masks(PIXELS)) > 0, OBJECT)
    parts = list(order.masks(30))
    assert len(parts) == 3
    assert all(int(part.sum()) == 30 and not (part > OBJECT).any() for part in parts)
    assert not np.array_equal(parts[0], parts[1])
    again = list(AreaOrder(ON_OBJECT, 3, seed=1).masks(30))
    assert all(np.array_equal(a, b) for a, b in zip(parts, again, strict=True))


def test_steps_are_equal_and_end_where_they_should() -> None:
    assert equal_steps(480, 4) == [0, 120, 240, 360, 480]
    steps = equal_steps(101, 10)
    assert (steps[0], steps[-1]) == (0, 101)
    assert set(np.diff(steps)) == {10, 11}


# Insertion, deletion, the curve, the area


def test_insertion_and_deletion_of_the_object_s_own_mask(bright: Path) -> None:
    """Any k pixels of the object put in are found, any k taken out are missed; black is no object."""
    areas = [round(ALL * step / 20) for step in range(21)]
    shares = [area / ALL for area in areas]
    put_in = [dice(min(area, PIXELS)) for area in areas]
    taken_out = [dice(PIXELS - min(area, PIXELS)) for area in areas]
    candidate = judged_map(bright, ON_OBJECT)
    inserted, deleted = (metric(baselines="zero").measure(candidate) for metric in (Insertion, Deletion))
    assert inserted.details["dice"]["zero"] == pytest.approx(put_in)
    assert inserted.value == pytest.approx(trapezoids(put_in, shares))
    assert deleted.details["dice"]["zero"] == pytest.approx(taken_out)
    assert deleted.value == pytest.approx(trapezoids(taken_out, shares))


def test_the_value_is_the_mean_over_baselines(bright: Path) -> None:
    result = Insertion(baselines="zero,mean", steps=5).measure(judged_map(bright, ON_OBJECT))
    single = [
        Insertion(baselines=name, steps=5).measure(judged_map(bright, ON_OBJECT)).value for name in ("zero", "mean")
    ]
    assert result.value == pytest.approx(np.mean([value for value in single if value is not None]))


def test_a_map_that_points_away_from_the_object_inserts_late_and_deletes_late(bright: Path) -> None:
    good, bad = (judged_map(bright, saliency) for saliency in (ON_OBJECT, -ON_OBJECT))
    for metric, better in ((Insertion(), 1), (Deletion(), -1)):
        values = [metric.measure(candidate).value or 0.0 for candidate in (good, bad)]
        assert better * (values[0] - values[1]) > 0.3


def test_the_curve_by_ratio_ends_at_its_largest_ratio_and_is_dice_explained_at_each(bright: Path) -> None:
    result = DiceByRatio(largest_ratio=2, steps=8).measure(judged_map(bright, ON_OBJECT))
    expected = [dice(min(area, PIXELS)) for area in range(0, 161, 20)]
    assert result.details["ratio"] == pytest.approx([area / PIXELS for area in range(0, 161, 20)])
    assert result.details["dice"] == pytest.approx(expected)
    assert result.value == pytest.approx(trapezoids(expected, result.details["ratio"]) / 2)
    assert DiceByRatio(largest_ratio=1000).measure(judged_map(bright, ON_OBJECT)).details["ratio"][-1] == ALL / PIXELS


@pytest.mark.parametrize("tau", [0.3, 0.9, 1.0])
@pytest.mark.parametrize("rows", [8, 5])
def test_the_restoring_area_is_that_of_asking_about_every_area(bright: Path, tau: float, rows: int) -> None:
    """First a part of the object, then black pixels, then the rest of the object, pixel by pixel."""
    saliency = np.where(OBJECT, 0, np.arange(ALL, 0, -1).reshape(SIZE)).astype(np.float32)
    saliency[rows_of_object(0, rows)] = 10_000 + np.arange(10 * rows)
    ranked = OBJECT.ravel()[np.argsort(-saliency.ravel(), kind="stable")]
    smallest = next(area for area in range(ALL + 1) if dice(int(ranked[:area].sum())) >= tau)
    result = RestoringArea(tau=tau).measure(judged_map(bright, saliency)).value
    assert result is not None
    assert smallest / PIXELS - 1e-9 <= result <= 1.005 * smallest / PIXELS + 1e-9


# Mullan and Sonka


def sigmoid(x: float) -> float:
    return float(1 / (1 + np.exp(-x)))


def test_prediction_preserved_is_a_recall_of_probability(bright: Path) -> None:
    """p is sigmoid(2x - 1): half of the object dark takes its probability from sigmoid(1) to sigmoid(-1)."""
    bright_p, dark_p = sigmoid(1), sigmoid(-1)
    half = rows_of_object(0, 4).astype(np.float32)
    kept = PredictionPreserved().measure(judged_map(bright, half)).value
    assert kept == pytest.approx((40 * bright_p + 440 * dark_p) / (80 * bright_p + 400 * dark_p), rel=1e-5)
    soft = PredictionPreserved().measure(judged_map(bright, 3 * ON_OBJECT + 7)).value
    assert soft == pytest.approx(1)
    assert ExcessPrediction().measure(judged_map(bright, half)).value == 0


def test_excess_prediction_is_what_the_baseline_adds(bright: Path) -> None:
    candidate = judged_map(bright, NO_MAP, baseline="mean")
    added = 400 * (sigmoid(2 / 6 - 1) - sigmoid(-1))
    before = 80 * sigmoid(1) + 400 * sigmoid(-1)
    assert ExcessPrediction().measure(candidate).value == pytest.approx(added / before, rel=1e-5)


def test_image_preserved_is_the_mean_of_the_scaled_map(bright: Path) -> None:
    assert ImagePreserved().measure(judged_map(bright, 5 * ON_OBJECT - 2)).value == pytest.approx(PIXELS / ALL)
    ramp = np.linspace(-1, 3, ALL, dtype=np.float32).reshape(SIZE)
    assert ImagePreserved().measure(judged_map(bright, ramp)).value == pytest.approx(0.5)


# Infidelity


def test_the_weights_of_a_linear_model_explain_every_change_whatever_their_scale(tmp_path: Path) -> None:
    key = np.zeros(SIZE, bool)
    key[2:9, 3:12] = True
    model = key_region(tmp_path / "key.onnx", object_region=OBJECT, key=key)
    image = np.ones((1, 1, *SIZE), np.float32)

    def infidelity(saliency: SaliencyMap) -> float:
        value = Infidelity().measure(judged_map(model, saliency, image)).value
        assert value is not None
        return value

    weights = key.astype(np.float32)
    assert infidelity(weights) == pytest.approx(0, abs=1e-6)
    assert infidelity(1000 * weights) == pytest.approx(0, abs=1e-6)
    assert infidelity(-weights) == infidelity(NO_MAP) == 1
    assert 0.05 < infidelity(np.ones(SIZE, np.float32)) < 1


def test_where_no_change_changes_the_model_it_is_not_defined(tmp_path: Path) -> None:
    image = np.ones((1, 3, *SIZE), np.float32)
    result = Infidelity().measure(judged_map(uniform(tmp_path / "uniform.onnx"), NO_MAP, image))
    assert result.value is None
    assert "no removed square" in result.details["reason"]


def test_draws_of_a_map_without_ties_are_not_asked_about_twice(bright: Path) -> None:
    without_ties = np.random.default_rng(0).permutation(ALL).reshape(SIZE).astype(np.float32)
    for saliency, draws in ((without_ties, 1), (ON_OBJECT, 3)):
        assert len(RestoringArea().measure(judged_map(bright, saliency)).details["by_draw"]) == draws
