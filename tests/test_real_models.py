"""Real models on real pictures, where a data directory is at hand."""

from pathlib import Path

import numpy as np
import pytest

from benchmarks.shared_data import Triple, data_directory, triples
from misure_onnx.api import load_segmenter, make_method
from misure_onnx.explanation import Explanation
from misure_onnx.files import read_nifti_region
from misure_onnx.methods.misure.forward_only import FORWARD_ROUTES
from misure_onnx.target import Target
from misure_onnx.volumes import load_volume
from tests.shared_data import manifest

_TRIPLES = triples() if data_directory() else []
needs_data = pytest.mark.skipif(not _TRIPLES, reason="no data directory: set MISURE_DATA to one with a manifest.json")
every_triple = pytest.mark.parametrize("triple", _TRIPLES, ids=lambda triple: triple.name)


@needs_data
@every_triple
def test_the_sufficient_region_is_enough_for_the_deployed_model(triple: Triple) -> None:
    segmenter = load_segmenter(triple.model, triple.preprocessing)
    method = make_method("sufficient_region")
    explanation = method.explain(segmenter, triple.image, Target.from_class(triple.class_index))
    assert explanation.metrics.sufficient_region is not None
    assert explanation.metrics.sufficient_region.dice > 0.9
    assert explanation.certificate.dice > 0.9
    assert explanation.metrics.dice_explained > explanation.metrics.random_mask.dice_explained


@needs_data
@pytest.mark.parametrize("preset", ["minimal", "smooth"])
@pytest.mark.parametrize("triple", [t for t in _TRIPLES if t.name in ("D01", "D08", "D15")], ids=lambda t: t.name)
def test_the_constrained_presets_prune_and_still_pass_on_the_deployed_model(triple: Triple, preset: str) -> None:
    segmenter = load_segmenter(triple.model, triple.preprocessing)
    method = make_method("misure", preset, {"iterations": "25"})
    explanation = method.explain(segmenter, triple.image, Target.from_class(triple.class_index))
    assert explanation.provenance.status == "ok"
    assert explanation.certificate.dice > 0.9
    assert explanation.metrics.sufficient_region is not None
    assert explanation.metrics.perturbation_ratio < explanation.metrics.sufficient_region.ratio
    assert np.isfinite(explanation.saliency).all()
    fidelity = explanation.provenance.gradient_fidelity
    assert fidelity is not None
    assert fidelity["max_difference"] is not None
    assert fidelity["max_difference"] < 1e-3


@needs_data
def test_a_robust_region_passes_under_every_baseline_and_draws_that_nothing_has_seen() -> None:
    (triple,) = [t for t in _TRIPLES if t.name == "D15"]
    segmenter = load_segmenter(triple.model, triple.preprocessing)
    method = make_method("misure", "robust", {"iterations": "60", "second_run": "0", "route": "onnx_gradient"})
    explanation = method.explain(segmenter, triple.image, Target.from_class(triple.class_index))
    certificate = explanation.certificate
    assert certificate.passed
    assert min(certificate.baselines.values()) > 0.9
    assert min(certificate.held_out.values()) > 0.85
    assert certificate.minimal_at_block_px is not None
    assert explanation.metrics.perturbation_ratio < 0.6


@needs_data
def test_a_label_map_model_is_explained_through_the_scores_before_its_argmax() -> None:
    place = data_directory()
    assert place is not None
    segmenter = load_segmenter(place / "models" / "deeplabv3_mnv2dm05_voc_513_argmax_uint8.onnx", "raw")
    assert segmenter.spec.head.kind == "labels"
    method = make_method("misure", "minimal", {"iterations": "3"})
    explanation = method.explain(segmenter, place / "images" / "coral_cat.png", Target.from_class(8))
    assert explanation.certificate.dice > 0.9
    assert explanation.provenance.gradient_route == "onnx_gradient"


@needs_data
@pytest.mark.parametrize("route", FORWARD_ROUTES)
@pytest.mark.parametrize("triple", [t for t in _TRIPLES if t.name in ("D01", "D15")], ids=lambda t: t.name)
def test_forwards_alone_prune_to_less_than_half_and_still_pass_on_the_deployed_model(
    triple: Triple, route: str
) -> None:
    segmenter = load_segmenter(triple.model, triple.preprocessing)
    method = make_method("misure", "minimal", {"route": route, "budget": "300"})
    explanation = method.explain(segmenter, triple.image, Target.from_class(triple.class_index))
    assert explanation.certificate.dice > 0.9
    assert explanation.metrics.perturbation_ratio < 0.5


@needs_data
def test_a_label_map_model_without_its_scores_is_pruned_too() -> None:
    place = data_directory()
    assert place is not None
    segmenter = load_segmenter(place / "models" / "deeplabv3_mnv2dm05_voc_513_argmax_uint8.onnx", "raw")
    method = make_method("misure", "minimal", {"route": "search", "budget": "60"})
    explanation = method.explain(segmenter, place / "images" / "coral_cat.png", Target.from_class(8))
    assert explanation.certificate.dice > 0.9
    assert explanation.metrics.perturbation_ratio < 1
    assert any("hard Dice alone" in note for note in explanation.provenance.notes)


@needs_data
def test_a_brain_is_explained_from_nifti_to_nifti(tmp_path: Path) -> None:
    """The 3-D triple: its sufficient region on the deployed model, saved where it lies in the scan."""
    (triple,) = [t for t in triples(volumes=True) if t.name == "D18"]
    place = data_directory()
    assert place is not None
    entry = next(t for t in manifest()["triples"] if t["id"] == "D18")
    declared = triple.preprocessing
    segmenter = load_segmenter(triple.model, declared)
    scan = load_volume(triple.image)
    part = scan.cropped(entry["crop"], [entry["size"]] * 3)
    explanation = make_method("sufficient_region").explain(segmenter, part, Target.from_class(triple.class_index))
    assert explanation.target.pixels / explanation.prediction.size == pytest.approx(entry["class_fraction"], abs=1e-3)
    assert explanation.certificate.dice > 0.9
    saved = explanation.save(tmp_path / "out")
    region, affine = read_nifti_region(saved / "minimal_region.nii.gz")
    assert np.array_equal(region, explanation.minimal_region)
    corner = np.array([*entry["crop"], 1.0])
    assert affine @ [0, 0, 0, 1] == pytest.approx(scan.affine @ corner)
    assert np.array_equal(Explanation.load(saved).saliency, explanation.saliency)
