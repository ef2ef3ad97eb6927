"""A random forest has no gradient anywhere; it is explained all the same, through the public names."""

from pathlib import Path
from typing import Literal

import numpy as np
import pytest

import misure_onnx as mx

pytest.importorskip("skl2onnx", reason="skl2onnx is not installed: the forest cannot be exported")

from tests.pixel_forest import export_forest, scene

Ending = Literal["probabilities", "labels"]
BUDGET = 400

every_ending = pytest.mark.parametrize("ending", ["probabilities", "labels"])


@pytest.fixture
def forest(tmp_path: Path, ending: Ending) -> Path:
    return export_forest(tmp_path / "forest.onnx", ending)


@every_ending
def test_the_exported_forest_finds_the_object(forest: Path) -> None:
    image, truth = scene(7)
    segmenter = mx.load_segmenter(forest, "unit")
    found = segmenter.spec.head.membership(segmenter.predict(segmenter.prepare(mx.load_image(image))), 1)[0]
    assert 2 * np.sum(found & (truth == 1)) / (found.sum() + np.sum(truth == 1)) > 0.9


@every_ending
@pytest.mark.parametrize("route", ["auto", "search", "finite_difference"])
def test_a_forest_has_a_minimal_region_that_passes_on_the_deployed_model(forest: Path, route: str) -> None:
    image, _ = scene(7)
    segmenter = mx.load_segmenter(forest, "unit")
    method = mx.MiSuRe.from_preset("minimal", route=route, budget=BUDGET)
    found = method.explain(segmenter, image, mx.Target.from_class(1))
    assert found.certificate.dice > 0.9
    assert found.provenance.status == "ok"
    assert found.provenance.gradient_route == ("search" if route == "auto" else route)
    assert found.sufficient_region is not None
    assert found.minimal_region.sum() < found.sufficient_region.sum()
    x = segmenter.prepare(mx.load_image(image))
    membership = segmenter.spec.head.membership
    reference, again = (
        membership(segmenter.predict(seen), 1)[0] for seen in (x, x * found.minimal_region.astype(np.float32))
    )
    assert 2 * np.sum(again & reference) / (again.sum() + reference.sum()) == pytest.approx(found.certificate.dice)


@every_ending
def test_a_gradient_asked_for_by_name_is_refused_with_what_remains(forest: Path, ending: Ending) -> None:
    image, _ = scene(7)
    segmenter = mx.load_segmenter(forest, "unit")
    why = "TreeEnsembleClassifier" if ending == "probabilities" else "label map"
    with pytest.raises(mx.GradientError, match=rf"{why}.*search and finite_difference"):
        mx.MiSuRe(route="gradient").explain(segmenter, image, mx.Target.from_class(1))


@every_ending
def test_inspect_says_why_there_is_no_gradient_and_which_routes_remain(forest: Path, ending: Ending) -> None:
    from misure_onnx.inspection import inspect_model  # noqa: PLC0415 - only here

    gradient = inspect_model(forest, "unit", image=scene(7)[0])["gradient"]
    assert gradient["route"] is None
    assert ("TreeEnsembleClassifier" if ending == "probabilities" else "label map") in gradient["reason"]
    assert gradient["remains"] == ["finite_difference", "search"]


@pytest.mark.parametrize("ending", ["labels"])
def test_labels_are_compared_by_their_hard_dice_and_the_note_says_so(forest: Path) -> None:
    method = mx.MiSuRe.from_preset("minimal", route="search", budget=30)
    found = method.explain(mx.load_segmenter(forest, "unit"), scene(7)[0], mx.Target.from_class(1))
    assert any("labels" in note and "hard Dice" in note for note in found.provenance.notes)
