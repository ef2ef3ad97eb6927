"""What the constrained presets promise: sufficiency under all that is asked for, minimality, alternatives."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from misure_onnx.api import load_segmenter
from misure_onnx.errors import ParameterError
from misure_onnx.explanation import Explanation
from misure_onnx.methods.misure import MiSuRe
from misure_onnx.methods.misure.constrained import _confirmed, _tightened
from misure_onnx.methods.misure.minimal_region import MaskCandidate, OptimisedMask
from misure_onnx.methods.misure.pixel_scores import BINARY_AT
from misure_onnx.perturbation import BASELINES
from misure_onnx.target import Target
from misure_onnx.types import Region
from tests.methods.asked import task_on
from tests.tiny_models import key_region, noise_image, small_network, uniform

ROUTE = "onnx_gradient"
SHAPE = (36, 44)


@pytest.fixture
def explained(tmp_path: Path) -> Explanation:
    segmenter = load_segmenter(small_network(tmp_path / "net.onnx", size=SHAPE), "minus1_1")
    method = MiSuRe.from_preset("robust", route=ROUTE, iterations=30, second_run=10)
    return method.explain(segmenter, noise_image(SHAPE, 5), Target.from_class(1))


def test_a_robust_region_is_enough_under_every_baseline(explained: Explanation) -> None:
    certificate = explained.certificate
    assert certificate.required == tuple(BASELINES)
    assert certificate.passed
    assert min(certificate.baselines.values()) > 0.9
    assert explained.provenance.status != "not_sufficient"


def test_the_certificate_of_a_robust_region_fails_with_one_baseline(explained: Explanation) -> None:
    """Recomputed with nothing of the certificate's own code."""
    assert explained.certificate.passed == (min(explained.certificate.baselines.values()) > 0.9)
    assert min(explained.certificate.held_out.values()) > 0.5


@pytest.mark.parametrize("preset", ["minimal", "smooth", "robust"])
def test_no_block_of_the_stated_size_can_be_left_out(tmp_path: Path, preset: str) -> None:
    task = task_on(small_network(tmp_path / "net.onnx", size=SHAPE), noise_image(SHAPE, 5), preprocess="minus1_1")
    method = MiSuRe.from_preset(preset, route=ROUTE, iterations=20, second_run=0, block_checks=1000)
    found = method.attribute(task)
    assert found.minimality is not None
    assert found.minimality.shown
    if preset == "robust":
        return  # every baseline would have to be tried; the check itself is the same
    side = found.minimality.block_px
    rows, columns = np.indices(SHAPE)
    numbers = rows // side * 1000 + columns // side
    blocks = np.unique(numbers[found.region])
    assert len(blocks) == found.minimality.blocks
    for block in blocks:
        kept = (found.region & (numbers != block)).astype(np.float32)
        assert task.dice_in(task.image * kept)[0] <= 0.9


def test_alternatives_are_sufficient_differ_and_survive_saving(tmp_path: Path) -> None:
    thing, key = np.zeros(SHAPE, bool), np.zeros(SHAPE, bool)
    thing[4:30, 4:40] = True
    key[8:24, 8:36] = True  # half of it is enough, whichever
    model = key_region(tmp_path / "key.onnx", object_region=thing, key=key)
    method = MiSuRe.from_preset("minimal", route=ROUTE, alternatives=2, iterations=40)
    explanation = method.explain(load_segmenter(model, "unit"), np.full(SHAPE, 255, np.uint8), Target.from_class(1))
    found = explanation.alternatives
    assert found is not None
    assert [region.dice_explained > 0.9 for region in found.regions] == [True, True]
    overlap = np.array(found.overlap)
    assert overlap.shape == (3, 3)
    assert np.array_equal(overlap, overlap.T)
    assert np.array_equal(np.diag(overlap), np.ones(3))
    first, second = explanation.minimal_region, explanation.alternative_regions[0]
    assert overlap[0, 1] == pytest.approx((first & second).sum() / (first | second).sum())
    place = explanation.save(tmp_path / "out")
    loaded = Explanation.load(place)
    assert loaded.to_json() == explanation.to_json()
    assert all(
        np.array_equal(a, b) for a, b in zip(loaded.alternative_regions, explanation.alternative_regions, strict=True)
    )
    MiSuRe.from_preset("minimal", route=ROUTE, iterations=3).explain(
        load_segmenter(model, "unit"), np.full(SHAPE, 255, np.uint8), Target.from_class(1)
    ).save(place)
    assert not list(place.glob("alternative_*"))


def test_a_second_run_is_reported_with_what_chance_gives(explained: Explanation) -> None:
    stability = explained.certificate.stability
    assert stability.second_run_overlap is not None
    assert stability.second_run_by_chance is not None
    assert 0 <= stability.second_run_overlap <= 1
    assert 0 < stability.second_run_by_chance <= 1


def test_a_model_that_needs_no_pixel_is_said_to(tmp_path: Path) -> None:
    found = MiSuRe(route=ROUTE).attribute(task_on(uniform(tmp_path / "uniform.onnx"), noise_image()))
    assert not found.region.any()
    assert any("no pixel is needed" in note for note in found.notes)


def test_the_literal_equation_knows_neither_robustness_nor_alternatives() -> None:
    for settings in ({"robust": True}, {"alternatives": 1}):
        with pytest.raises(ParameterError, match="constrained=true"):
            MiSuRe.from_preset("paper", **settings)


ramp = np.linspace(0, 1, SHAPE[0] * SHAPE[1], dtype=np.float32).reshape(SHAPE)
EVERYTHING = np.ones(SHAPE, bool)


def swept(*feasible_from: float) -> OptimisedMask:
    """A sweep that ended at the best tenth of a ramp, with the given candidates on the way."""
    candidates = [MaskCandidate(ramp, ramp >= low, 0.95, 5) for low in feasible_from]
    return OptimisedMask(MaskCandidate(ramp, ramp >= 0.9, 0.5, 9), tuple(candidates), 10)


def needs(share: float) -> Callable[[Region], bool]:
    return lambda region: bool(region.mean() >= share)


def test_the_smallest_confirmed_candidate_is_taken() -> None:
    chosen, notes = _confirmed(swept(0.8, 0.6, 0.4), EVERYTHING, needs(0.3))
    assert np.array_equal(chosen.region, ramp >= 0.6)
    assert notes == ()


def test_where_none_passes_the_last_mask_is_grown_by_its_best_pixels() -> None:
    chosen, notes = _confirmed(swept(0.8), EVERYTHING, needs(0.5))
    assert 0.5 <= chosen.region.mean() <= 0.5 * 1.11
    assert ramp[chosen.region].min() > ramp[~chosen.region].max()
    assert "grown" in notes[0]


def test_where_nothing_smaller_passes_the_start_is_kept() -> None:
    chosen, notes = _confirmed(swept(0.8, 0.0), EVERYTHING, needs(1.0))
    assert chosen.region.all()
    assert "kept" in notes[0]


def test_a_region_is_tightened_by_its_own_scores_and_then_by_the_latest_ones() -> None:
    own = MaskCandidate(ramp, np.asarray(ramp >= 0.5), 0.95, 5)
    half = int(own.region.sum())
    backwards = np.asarray(ramp[::-1, ::-1])
    by_own = _tightened(own, np.zeros_like(ramp), needs(0.4))
    assert 0.4 <= by_own.region.mean() < 0.41
    assert ramp[by_own.region].min() > ramp[~by_own.region].max()
    by_latest = _tightened(own, backwards, lambda region: bool(region[0, 0]))  # only the latest scores keep it
    assert by_latest.region[0, 0]
    assert half / 2 <= by_latest.region.sum() <= 0.52 * half
    assert backwards[by_latest.region].min() > backwards[~by_latest.region].max()
    for tightened in (by_own, by_latest):
        assert np.array_equal(tightened.soft > BINARY_AT, tightened.region)
        assert (tightened.dice, tightened.iteration) == (0.95, 5)
    assert _tightened(own, backwards, needs(0.5)) is own
