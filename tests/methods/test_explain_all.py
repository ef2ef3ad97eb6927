"""Several explanations in one call: the same as one at a time, for fewer forwards."""

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from misure_onnx.api import every_object, load_segmenter, make_method, make_metrics
from misure_onnx.methods import METHODS
from misure_onnx.methods.explain_all import explain_all
from misure_onnx.segmenter import Segmenter
from misure_onnx.target import Target
from tests.contracts.test_methods import QUICK
from tests.tiny_models import noise_image, small_network

SIZE = (40, 52)
IMAGE = noise_image((61, 47), 2)
SHARING = ("rise", "occlusion", "kernel_shap", "lime")


@pytest.fixture
def segmenter(tmp_path: Path) -> Segmenter:
    return load_segmenter(small_network(tmp_path / "net.onnx", size=SIZE), "minus1_1")


def comparable(explanation: Any) -> dict[str, Any]:
    """Everything but what it cost, and the note that says so."""
    document: dict[str, Any] = explanation.to_json()
    notes = [note for note in document["provenance"]["notes"] if "had been answered" not in note]
    provenance = {**document["provenance"], "notes": notes}
    metrics = {**document["metrics"], "more": {k: m["value"] for k, m in document["metrics"]["more"].items()}}
    return {**document, "cost": None, "provenance": provenance, "metrics": metrics}


@pytest.mark.parametrize("name", METHODS)
def test_every_method_finds_what_it_finds_alone(segmenter: Segmenter, name: str) -> None:
    method, targets = make_method(name, settings=QUICK.get(name)), every_object(segmenter, IMAGE, 1)[:3]
    assert len(targets) == 3
    for target, found in zip(targets, explain_all([method], segmenter, IMAGE, targets, seed=3), strict=True):
        alone = method.explain(segmenter, IMAGE, target, seed=3)
        assert np.array_equal(found.saliency, alone.saliency)
        assert np.array_equal(found.minimal_region, alone.minimal_region)
        assert comparable(found) == comparable(alone)


@pytest.mark.parametrize("name", SHARING)
def test_masks_that_do_not_depend_on_the_target_are_asked_about_once(segmenter: Segmenter, name: str) -> None:
    method, targets = make_method(name, settings=QUICK.get(name)), every_object(segmenter, IMAGE)[:3]
    first, *others = explain_all([method], segmenter, IMAGE, targets, batch_size=4)
    repeated = method.explain(segmenter, IMAGE, targets[0], batch_size=4).cost.forwards - first.cost.forwards
    assert 0 <= repeated <= 3  # a mask that one explanation asks about twice is answered once too
    alone = method.explain(segmenter, IMAGE, targets[1]).cost.forwards
    for other in others:
        (note,) = [n for n in other.provenance.notes if "had been answered" in n]
        saved = int(note.split()[0])
        assert saved > 10
        assert (
            other.cost.forwards <= alone - saved + other.certificate.forwards
        )  # certificates differ by a few forwards
        assert other.cost.forwards < alone / 2 + other.certificate.forwards


def test_the_predicted_mask_s_curve_is_measured_once_for_several_methods(segmenter: Segmenter) -> None:
    methods = [make_method("rise", settings=QUICK["rise"]), make_method("occlusion")]
    targets, metrics = every_object(segmenter, IMAGE)[:2], make_metrics("insertion", {"insertion.draws": "1"})
    found = list(explain_all(methods, segmenter, IMAGE, targets, metrics=metrics))
    assert [(e.method.name, e.target.pixels) for e in found] == [
        (method.name, e.target.pixels) for e in found[::2] for method in methods
    ]
    for rise, occlusion in (found[:2], found[2:]):
        curves = [e.metrics.more["insertion"] for e in (rise, occlusion)]
        assert curves[0].predicted_mask == curves[1].predicted_mask
        assert curves[1].forwards < curves[0].forwards


def test_one_target_and_targets_that_are_not_resolved_share_nothing(segmenter: Segmenter) -> None:
    method = make_method("rise", settings=QUICK["rise"])
    alone = method.explain(segmenter, IMAGE, Target.from_class(1))
    found = [*explain_all([method], segmenter, IMAGE, [Target.from_class(1), Target.from_class(1)])]
    assert [dataclasses.replace(e.cost, seconds=0) for e in found] == [dataclasses.replace(alone.cost, seconds=0)] * 2
