"""Why this class and not that one: the definition, on scores drawn by hand and on a model whose answer is known."""

from pathlib import Path

import numpy as np
import pytest
from onnx import helper

from misure_onnx.api import load_segmenter, make_method
from misure_onnx.errors import ModelOutputError, TargetError
from misure_onnx.scores import Head, ScoreKind
from misure_onnx.target import Target
from tests.test_target import LABELS, SIZE, resolve, scores_of, spec
from tests.tiny_models import save_model

KEY = np.zeros(SIZE, bool)
KEY[1, 1:5] = True
OBJECT = np.zeros(SIZE, bool)
OBJECT[:4, :6] = True


def one_key(path: Path) -> Path:
    """On the object the scores are 4, 8 m and 3, elsewhere 4, 0 and 3; m the mean of the image over the pixels of KEY.

    Class 1 wins against all where m > 1/2: with more than two of the four pixels; against class 2 alone where
    m > 3/8: with two.
    """
    constants = {
        "weights": (KEY / KEY.sum()).astype(np.float32)[None, None],
        "axes": np.array([1, 2, 3]),
        "inside": (8 * OBJECT).astype(np.float32)[None, None],
        "zero": np.array(0, np.float32),
        "four": np.array(4, np.float32),
        "three": np.array(3, np.float32),
    }
    nodes = [
        helper.make_node("Mul", ["image", "weights"], ["weighted"]),
        helper.make_node("ReduceSum", ["weighted", "axes"], ["mean"], keepdims=1),
        helper.make_node("Mul", ["mean", "inside"], ["one"]),
        helper.make_node("Mul", ["one", "zero"], ["nothing"]),
        helper.make_node("Add", ["nothing", "four"], ["fours"]),
        helper.make_node("Add", ["nothing", "three"], ["threes"]),
        helper.make_node("Concat", ["fours", "one", "threes"], ["scores"], axis=1),
    ]
    return save_model(path, nodes, input_shape=["N", 1, *SIZE], constants=constants)


@pytest.mark.parametrize("kind", ["logits", "softmax", "sigmoid_logits", "sigmoid"])
def test_a_pixel_is_above_and_shared_by_two_classes_alone(kind: ScoreKind) -> None:
    rng, head = np.random.default_rng(0), Head(kind)
    drawn = rng.normal(0, 2, (2, 4, 5, 6)) if "logits" in kind else rng.random((2, 4, 5, 6))
    scores = drawn.astype(np.float32)
    scores[0, 3, 0, 0] = scores[0, 1, 0, 0]
    p, q = (head.probabilities(scores)[:, index].astype(np.float64) for index in (1, 3))
    share = p / (p + q) if kind != "sigmoid_logits" else 1 / (1 + np.exp(scores[:, 3] - scores[:, 1]))
    assert head.share(scores, 1, 3) == pytest.approx(share, abs=1e-5)
    assert head.share(scores, 3, 1) == pytest.approx(1 - share, abs=1e-5)
    for n, row, column in np.ndindex(2, 5, 6):
        own, rival = scores[n, 1, row, column], scores[n, 3, row, column]
        assert head.above(scores, 1, 3)[n, row, column] == (own >= rival)  # the first class wins a tie
        assert head.above(scores, 3, 1)[n, row, column] == (rival > own)


def test_two_probabilities_of_zero_share_evenly_and_nan_is_refused() -> None:
    assert np.array_equal(Head("softmax").share(np.zeros((1, 3, 2, 2), np.float32), 0, 2), np.full((1, 2, 2), 0.5))
    with pytest.raises(ModelOutputError, match="NaN"):
        Head("logits").above(np.full((1, 3, 2, 2), np.nan, np.float32), 0, 1)


def test_what_was_above_already_outside_the_object_does_not_count() -> None:
    """Against a class that is nowhere, all other classes' pixels tie with it at 0, and the first class wins ties."""
    found = resolve(Target.from_class("car", against="Tree"))
    assert found.label == "car rather than Tree"
    assert np.array_equal(found.region, LABELS == 1)
    assert np.array_equal(found.domain, LABELS == 1)  # everywhere else car (index 1) ties with Tree (index 4)
    found = resolve(Target.from_class("dog", against="car"))
    assert np.array_equal(found.domain, np.ones(SIZE, bool))  # dog (index 3) ties with car (index 1), and car wins


@pytest.mark.parametrize("kind", ["logits", "softmax", "sigmoid_logits", "sigmoid"])
def test_the_unperturbed_image_has_dice_one(kind: ScoreKind) -> None:
    scores = np.random.default_rng(3).normal(0, 3, (1, 5, *SIZE)).astype(np.float32)
    head = Head(kind)
    if kind == "softmax":
        scores = Head("logits").probabilities(scores)
    if kind == "sigmoid":
        scores = Head("sigmoid_logits").probabilities(scores)
    for own, rival in ((0, 1), (2, 1), (4, 3)):
        found = Target.from_class(own, against=rival).resolve(spec(kind=kind), scores, SIZE)
        assert found.dice(found.predicted(scores, head))[0] == 1
        assert found.region.any()
        assert not (found.region & ~head.membership(scores, own)[0]).any()


def test_a_contrast_of_one_object_and_of_its_border_stays_there() -> None:
    found = resolve(Target.from_class("car", against="person").at(4, 1))
    assert found.kind == "instance"
    assert found.region.sum() == 6
    near = resolve(Target(class_spec="car", against="person", border=1))
    assert near.kind == "region"
    assert near.rival == 2
    assert (near.domain & ~resolve(Target(class_spec="car", border=1)).domain).sum() == 0


@pytest.mark.parametrize(
    ("against", "message"),
    [("car", "against itself"), (9, "out of range; the model has classes 0 to 4"), ("hors", "unknown")],
)
def test_a_rival_that_cannot_be_is_refused(against: int | str, message: str) -> None:
    with pytest.raises(TargetError, match=message):
        resolve(Target.from_class("car", against=against))


def test_a_label_map_has_nothing_to_compare() -> None:
    with pytest.raises(TargetError, match="labels only"):
        Target.from_class("car", against="dog").resolve(spec(kind="labels"), scores_of(LABELS), SIZE)


def test_an_independent_rival_may_be_above_everywhere() -> None:
    scores = np.stack([np.full(SIZE, v, np.float32) for v in (0.7, 0.9)])[None]
    with pytest.raises(TargetError, match="dog scores higher than cat everywhere"):
        Target.from_class("cat", against="dog").resolve(spec(("cat", "dog"), "sigmoid"), scores, SIZE)


@pytest.mark.parametrize("route", ["onnx_gradient", "torch", "search"])
@pytest.mark.parametrize(("against", "pixels"), [(None, 3), (2, 2)])
def test_the_minimal_region_holds_as_much_of_the_evidence_as_the_contrast_needs(
    tmp_path: Path, route: str, against: int | None, pixels: int
) -> None:
    if route == "torch":
        pytest.importorskip("torch", reason="torch is not installed")
    segmenter = load_segmenter(one_key(tmp_path / "key.onnx"), "unit")
    method = make_method("misure", "minimal", {"route": route, "mask_size": "8", "second_run": "0"})
    found = method.explain(segmenter, np.full(SIZE, 255, np.uint8), Target.from_class(1, against=against))
    assert found.provenance.status == "ok"
    assert (found.minimal_region & KEY).sum() == pixels
    assert found.target.label == ("class 1" if against is None else "class 1 rather than class 2")
