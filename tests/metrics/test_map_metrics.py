"""Metrics of a map, known by hand: a pixel is the object if and only if it is above one half."""

import dataclasses
from pathlib import Path

import numpy as np
import pytest

from misure_onnx.api import load_segmenter
from misure_onnx.methods.progress import silent
from misure_onnx.methods.task import Task
from misure_onnx.metrics.area_order import AreaOrder, dice_along, equal_steps
from misure_onnx.metrics.base import MapCandidate
from misure_onnx.metrics.dice_by_ratio import DiceByRatio
from misure_onnx.metrics.image_preserved import ImagePreserved
from misure_onnx.metrics.infidelity import Infidelity
from misure_onnx.metrics.insertion import Deletion, Insertion
from misure_onnx.metrics.prediction_preserved import ExcessPrediction, PredictionPreserved
from misure_onnx.metrics.restoring_area import RestoringArea, _growing
from misure_onnx.perturbation import make_baseline
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


def test_one_mask_stands_for_all_orders_exactly_where_an_area_ends_between_different_values() -> None:
    values = [7, 5, 5, 5, 2, 1, 1]
    order = AreaOrder(np.array(values, np.float32).reshape(1, -1), 4, seed=0)
    for area in range(8):
        masks = list(order.masks(area))
        between = area in (0, 7) or values[area - 1] > values[area]
        assert len(masks) == (1 if between else 4)
        assert all(mask.dtype == np.float32 and mask.shape == (1, 7) and mask.sum() == area for mask in masks)


@pytest.mark.parametrize("values", [[9, 7, 5, 5, 2, 1, 1], [4, 4, 3, 2], [5, 4, 3, 2, 1]])
def test_orders_agree_up_to_the_first_area_that_ends_among_equals(values: list[int]) -> None:
    order = AreaOrder(np.array(values, np.float32).reshape(1, -1), 2, seed=0)
    for area in range(len(values) + 1):
        inside_ties = [k for k in range(1, area + 1) if k < len(values) and values[k - 1] == values[k]]
        assert order.unambiguous_up_to(area) == (not inside_ties)


def test_dice_along_areas_has_the_areas_the_mean_and_how_far_the_draws_lie_apart(bright: Path) -> None:
    """Of a map that is the same everywhere: what is found is what each draw happens to keep of the object."""
    candidate, areas = judged_map(bright, NO_MAP), [0, 50, 200, ALL]
    order = AreaOrder(NO_MAP, 3, seed=2)
    curve = dice_along(candidate, order, areas, candidate.baseline_image())
    drawn = [[dice(int((mask * OBJECT).sum())) for mask in order.masks(area)] for area in areas]
    assert list(curve.areas) == areas
    assert curve.dice == pytest.approx([np.mean(part) for part in drawn])
    assert curve.spread == pytest.approx([max(part) - min(part) for part in drawn])
    assert curve.spread[1] > 0, "the draws must differ to test anything"


@pytest.mark.parametrize("name", ["noise", "shuffle", "mean"])
def test_a_random_baseline_is_that_of_the_candidate_s_seed(bright: Path, name: str) -> None:
    own = judged_map(bright, NO_MAP, baseline=name)
    seeded = dataclasses.replace(own, seed=7)
    assert np.array_equal(seeded.baseline_image(), make_baseline(name, own.image, np.random.default_rng(7)))
    assert np.array_equal(own.baseline_image("shuffle"), make_baseline("shuffle", own.image, np.random.default_rng(0)))


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


def test_each_baseline_is_there_instead_of_the_pixels_whatever_the_method_s_own_is(bright: Path) -> None:
    """Three quarters of the image are bright, so that its mean is bright too: before the first pixel all is found."""
    picture = np.zeros((1, 1, *SIZE), np.float32)
    picture[0, 0, :15] = 1
    found_everywhere = 2 * 360 / (480 + 360)
    for own in ("zero", "mean"):
        candidate = judged_map(bright, picture[0, 0], picture, own)
        details = Insertion(baselines="zero,mean", steps=4).measure(candidate).details
        assert details["share"] == [0, 0.25, 0.5, 0.75, 1]
        assert details["dice"]["zero"] == pytest.approx([0, 2 * 120 / 480, 2 * 240 / 600, 1, 1])
        assert details["dice"]["mean"] == pytest.approx([*[found_everywhere] * 4, 1])
        under = (7 * found_everywhere / 8) + 1 / 8
        assert details["by_baseline"]["mean"] == pytest.approx(under)


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
    assert result.details["spread_of_draws"] == [0] * 9
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


@pytest.mark.parametrize(
    ("pixels", "size", "expected"),
    [
        (2000, 30, [0, 20, 22, 24, 26, 29, 30]),  # 22, 24.2, 26.4, 28.6, 31.9: rounded, and no more than there are
        (80, 5, [0, 1, 2, 3, 4, 5]),  # a tenth more than so few is less than a pixel
        (120, 12, [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12]),
        (1200, 15, [0, 12, 13, 14, 15]),
    ],
)
def test_areas_grow_by_a_tenth_from_a_hundredth_of_the_object_s_to_the_image(
    pixels: int, size: int, expected: list[int]
) -> None:
    assert _growing(pixels, size) == expected


def test_where_the_model_needs_no_pixel_the_restoring_area_is_nothing(tmp_path: Path) -> None:
    candidate = judged_map(uniform(tmp_path / "uniform.onnx"), NO_MAP, np.ones((1, 3, *SIZE), np.float32))
    assert RestoringArea().measure(candidate).value == 0


def test_each_draw_s_area_is_that_of_its_own_order_of_equal_pixels(bright: Path) -> None:
    """A map that is the same everywhere; Dice rises with the area where only the object is bright."""
    result = RestoringArea(tau=0.5, draws=3).measure(judged_map(bright, NO_MAP))
    smallest = []
    for draw in range(3):
        (shuffled,) = AreaOrder(NO_MAP, 1, seed=draw)._orders
        found = np.cumsum(OBJECT.ravel()[shuffled])
        smallest.append(next(area for area in range(1, ALL + 1) if dice(int(found[area - 1])) >= 0.5))
    assert len(set(smallest)) == 3, "the draws must differ to test anything"
    for area, ratio in zip(smallest, result.details["by_draw"], strict=True):
        assert area <= round(ratio * PIXELS) <= 1.005 * area + 1
    assert result.value == pytest.approx(np.mean(result.details["by_draw"]))


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
    assert result.details == {"reason": "no removed square changed the model's scores on the object"}


@pytest.mark.parametrize(
    ("size", "sides"),
    [((16, 24), (2, 8)), ((23, 20), (2, 10)), ((3, 5), (1, 1)), ((9, 9), (1, 4)), ((34, 17), (2, 8))],
)
def test_a_removed_square_s_side_is_an_eighth_to_a_half_of_the_shorter_one_and_it_lies_anywhere(
    size: tuple[int, int], sides: tuple[int, int]
) -> None:
    seen: set[tuple[object, ...]] = set()
    for mask in Infidelity(perturbations=6000, squares=1)._masks(size, np.random.default_rng(0)):
        removed = np.argwhere(mask == 0)
        (top, left), (bottom, right) = removed.min(axis=0), removed.max(axis=0)
        side = bottom - top + 1
        assert right - left + 1 == side
        assert len(removed) == side**2
        assert mask.dtype == np.float32
        assert set(np.unique(mask)) == {0, 1}
        seen |= {("side", side), ("top of a side", side, top), ("left of a side", side, left)}
    allowed = range(sides[0], sides[1] + 1)
    expected: set[tuple[object, ...]] = {("side", side) for side in allowed}
    expected |= {("top of a side", side, top) for side in allowed for top in range(size[0] - side + 1)}
    expected |= {("left of a side", side, left) for side in allowed for left in range(size[1] - side + 1)}
    assert seen == expected


def test_up_to_so_many_squares_are_removed_at_once() -> None:
    """Squares of one pixel: as many pixels as squares, or fewer where they meet."""
    masks = Infidelity(perturbations=500, squares=4)._masks((3, 100), np.random.default_rng(0))
    assert {int((mask == 0).sum()) for mask in masks} == {1, 2, 3, 4}


def test_the_mean_change_of_the_score_is_that_over_the_squares(tmp_path: Path) -> None:
    """Every pixel for itself: a score of 1/2 where the object is seen, of -1/2 where it is removed."""
    candidate = judged_map(bright_pixels(tmp_path / "bright.onnx"), ON_OBJECT)
    masks = Infidelity(perturbations=30)._masks(SIZE, np.random.default_rng(candidate.seed))
    removed = [float((1 - mask)[OBJECT].mean()) for mask in masks]
    details = Infidelity(perturbations=30).measure(candidate).details
    assert details == {"mean_change_of_score": pytest.approx(np.mean(removed), rel=1e-5)}


def test_draws_of_a_map_without_ties_are_not_asked_about_twice(bright: Path) -> None:
    without_ties = np.random.default_rng(0).permutation(ALL).reshape(SIZE).astype(np.float32)
    for saliency, draws in ((without_ties, 1), (ON_OBJECT, 3)):
        assert len(RestoringArea().measure(judged_map(bright, saliency)).details["by_draw"]) == draws
