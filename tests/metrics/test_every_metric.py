"""What every metric of the registry must do, whatever kind it is."""

import dataclasses
import json
from pathlib import Path

import numpy as np
import pytest

from misure_onnx.api import load_segmenter, make_metrics
from misure_onnx.errors import ImageError, ParameterError
from misure_onnx.explanation import Explanation
from misure_onnx.methods.rise import Rise
from misure_onnx.metrics import ALWAYS, METRICS
from misure_onnx.metrics.base import Metric, RerunMetric, TruthMetric
from misure_onnx.records import MetricRecord, Metrics
from tests.metrics.candidates import OBJECT, candidate, rows_of_object
from tests.tiny_models import SIZE, noise_image, small_network

IMAGE = noise_image((31, 45), 2)
TRUTH = np.zeros((31, 45), bool)
TRUTH[5:20, 5:20] = True
QUICK = {
    "infidelity.perturbations": "8",
    "insertion.steps": "4",
    "deletion.steps": "4",
    "dice_by_ratio.steps": "4",
    "max_sensitivity.perturbations": "2",
    "randomisation.steps": "2",
    "seed_agreement.runs": "2",
    "manipulability.budget": "6",
}

every_metric = pytest.mark.parametrize("name", METRICS)
every_region_metric = pytest.mark.parametrize("name", ALWAYS)


def measured(directory: Path, names: list[str], *, seed: int = 0, batch_size: int | None = None) -> Explanation:
    """A short RISE with some metrics."""
    metrics = make_metrics(names, {key: text for key, text in QUICK.items() if key.split(".")[0] in names})
    segmenter = load_segmenter(small_network(directory / "net.onnx"), "minus1_1")
    return Rise(masks=20).explain(segmenter, IMAGE, metrics=metrics, truth=TRUTH, seed=seed, batch_size=batch_size)


@every_metric
def test_it_says_what_it_is(name: str) -> None:
    metric = METRICS[name]
    assert type(metric.higher_is_better) is bool
    assert metric.summary
    assert metric.summary[0].islower() or metric.summary.startswith(("Dice", "Spearman"))
    assert not metric.summary.endswith(".")
    assert metric.unit
    assert (
        any(character.isdigit() for character in metric.source) or "MiSuRe" in metric.source or "and" in metric.source
    )
    assert metric.__doc__


@every_metric
def test_it_is_frozen_and_made_without_arguments(name: str) -> None:
    metric = METRICS[name]()
    assert metric == METRICS[name]()
    with pytest.raises(dataclasses.FrozenInstanceError):
        metric.higher_is_better = False  # type: ignore[misc]


@every_metric
def test_its_record_is_finite_json_beside_both_yardsticks_and_the_same_twice(tmp_path: Path, name: str) -> None:
    first, second = (measured(tmp_path, [name], seed=3).metrics.more[name] for _ in range(2))
    assert first == second
    for value in (first.value, first.predicted_mask, first.random_mask):
        assert value is None or (type(value) is float and np.isfinite(value))
    assert first.value is not None
    assert dict(first.parameters) == {f.name: getattr(_quick(name), f.name) for f in dataclasses.fields(_quick(name))}  # type: ignore[arg-type]
    assert first.higher_is_better is METRICS[name].higher_is_better
    json.dumps(dataclasses.asdict(first), allow_nan=False)


@every_metric
def test_it_does_not_depend_on_the_batch_size_nor_change_the_explanation(tmp_path: Path, name: str) -> None:
    one, five = (measured(tmp_path, [name], batch_size=size) for size in (1, 5))
    for number in ("value", "predicted_mask", "random_mask"):
        assert getattr(one.metrics.more[name], number) == pytest.approx(
            getattr(five.metrics.more[name], number), abs=1e-5
        )
    without = measured(tmp_path, [])
    assert dataclasses.replace(one.metrics, more={}) == without.metrics
    assert dataclasses.replace(one.cost, seconds=0) == dataclasses.replace(without.cost, seconds=0)
    assert np.array_equal(one.saliency, without.saliency)


def test_all_of_them_survive_saving_and_loading(tmp_path: Path) -> None:
    explanation = measured(tmp_path, list(METRICS))
    assert list(explanation.metrics.more) == list(METRICS)
    loaded = Explanation.load(dataclasses.replace(explanation, image=None).save(tmp_path / "out"))
    assert loaded.to_json() == explanation.to_json()
    assert all(type(record) is MetricRecord for record in loaded.metrics.more.values())


def _quick(name: str) -> Metric:
    return make_metrics([name], {key: text for key, text in QUICK.items() if key.split(".")[0] == name})[name]


# Metrics of a region


@every_region_metric
@pytest.mark.parametrize(
    "region",
    [np.zeros(SIZE, bool), rows_of_object(0, 3), OBJECT, np.ones(SIZE, bool)],
    ids=["none", "part", "it", "all"],
)
def test_a_region_s_number_is_a_finite_float_and_the_same_twice(
    tmp_path: Path, name: str, region: np.ndarray[tuple[int, ...], np.dtype[np.bool_]]
) -> None:
    judged = candidate(tmp_path, region)
    image, kept = judged.image.copy(), judged.region.copy()
    value = ALWAYS[name]().measure(judged).value
    assert type(value) is float
    assert np.isfinite(value)
    assert value >= 0
    assert ALWAYS[name]().measure(judged).value == value
    assert np.array_equal(judged.image, image)
    assert np.array_equal(judged.region, kept)


@every_region_metric
def test_it_goes_the_way_it_says_when_half_of_the_object_is_left_out(tmp_path: Path, name: str) -> None:
    """The half is worse for the model, and the smaller of the two."""
    whole, half = (
        ALWAYS[name]().measure(candidate(tmp_path, region)).value for region in (OBJECT, rows_of_object(0, 4))
    )
    assert whole is not None
    assert half is not None
    assert whole > half


def test_every_metric_that_is_always_measured_has_its_place_in_the_document() -> None:
    fields = [field.name for field in dataclasses.fields(Metrics)]
    assert list(ALWAYS) == fields[: len(ALWAYS)]


# Choosing


def test_standard_and_all_leave_out_what_is_always_there_and_what_needs_more() -> None:
    standard, everything = make_metrics("standard"), make_metrics("all", truth=True)
    assert not set(standard) & set(ALWAYS)
    assert not any(isinstance(metric, (TruthMetric, RerunMetric)) for metric in standard.values())
    assert list(everything) == [name for name in METRICS if name not in ALWAYS]
    assert not any(isinstance(metric, TruthMetric) for metric in make_metrics("all").values())


def test_parameters_come_as_text_and_go_to_their_metric() -> None:
    chosen = make_metrics(
        "restoring_area,insertion,insertion",
        {"restoring_area.tau": "0.8", "insertion.steps": "7", "insertion.baselines": "blur"},
    )
    assert list(chosen) == ["restoring_area", "insertion"]
    assert chosen["restoring_area"].parameters() == {"tau": 0.8, "draws": 3}
    assert chosen["insertion"].parameters() == {"steps": 7, "draws": 3, "baselines": "blur"}


@pytest.mark.parametrize(
    ("names", "settings", "words"),
    [
        ("insertoin", {}, "metric 'insertoin' is unknown: did you mean insertion"),
        ("", {}, "the known ones are dice_explained"),
        ("insertion", {"deletion.steps": "3"}, "'deletion.steps' sets a parameter of a metric that is not measured"),
        ("insertion", {"insertion.step": "3"}, "metric insertion has no parameter 'step'; its parameters: baselines"),
        ("insertion", {"insertion.steps": "many"}, "steps must be a whole number, got 'many'"),
        ("insertion", {"insertion.steps": "1"}, "steps must be at least 2, got 1"),
        ("insertion", {"insertion.baselines": "grey"}, "baseline 'grey' is unknown"),
        ("restoring_area", {"restoring_area.tau": "1.5"}, r"tau must lie in \(0, 1\], got 1.5"),
        ("restoring_area", {"restoring_area.tau": "0"}, r"tau must lie in \(0, 1\], got 0"),
        ("pointing_game", {"pointing_game.tolerance": "-1"}, "tolerance must not be negative"),
    ],
)
def test_what_does_not_exist_is_refused(names: str, settings: dict[str, str], words: str) -> None:
    with pytest.raises(ParameterError, match=words):
        make_metrics(names, settings)


def test_a_ground_truth_is_asked_for_and_has_the_image_s_size(tmp_path: Path) -> None:
    segmenter = load_segmenter(small_network(tmp_path / "net.onnx"), "minus1_1")
    metrics = make_metrics("pointing_game,mass_in_truth")
    with pytest.raises(ParameterError, match=r"pointing_game, mass_in_truth needs a ground truth: pass one"):
        Rise(masks=4).explain(segmenter, IMAGE, metrics=metrics)
    with pytest.raises(ImageError, match="the ground truth is 24x20, the image 45x31"):
        Rise(masks=4).explain(segmenter, IMAGE, metrics=metrics, truth=np.ones(SIZE, bool))
