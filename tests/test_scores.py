"""What scores mean, against argmax, SciPy and hand values."""

import numpy as np
import pytest
import scipy.special

from misure_onnx.errors import ModelOutputError
from misure_onnx.scores import SCORE_KINDS, Head, ScoreKind
from misure_onnx.types import Scores

EXCLUSIVE: tuple[ScoreKind, ...] = ("logits", "softmax", "labels")
INDEPENDENT: tuple[ScoreKind, ...] = ("sigmoid_logits", "sigmoid")
N, L, H, W = 2, 5, 6, 7


def random_scores(kind: ScoreKind, seed: int = 0) -> Scores:
    raw = np.random.default_rng(seed).normal(0, 3, (N, L, H, W))
    if kind == "softmax":
        raw = scipy.special.softmax(raw, axis=1)
    elif kind == "sigmoid":
        raw = scipy.special.expit(raw)
    elif kind == "labels":
        raw = raw.argmax(axis=1)[:, None] == np.arange(L)[:, None, None]
    return np.asarray(raw, np.float32)


def with_ties(seed: int = 0) -> Scores:
    """Three values for five classes: nearly every pixel has a tie."""
    return np.random.default_rng(seed).integers(0, 3, (N, L, H, W)).astype(np.float32)


def column(*scores: float) -> Scores:
    """One pixel."""
    return np.array(scores, np.float32).reshape(1, -1, 1, 1)


def test_the_kinds_are_those_of_the_documentation() -> None:
    assert set(SCORE_KINDS) == {*EXCLUSIVE, *INDEPENDENT}
    assert [Head(kind).exclusive for kind in EXCLUSIVE] == [True] * 3
    assert [Head(kind).exclusive for kind in INDEPENDENT] == [False] * 2


@pytest.mark.parametrize("kind", EXCLUSIVE)
@pytest.mark.parametrize("index", range(L))
def test_membership_of_exclusive_classes_is_the_argmax(kind: ScoreKind, index: int) -> None:
    for scores in (random_scores(kind), with_ties(1), with_ties(2)):
        expected = np.argmax(scores, axis=1) == index
        assert np.array_equal(Head(kind).membership(scores, index), expected)
        assert expected.any()


@pytest.mark.parametrize("kind", EXCLUSIVE)
def test_the_first_class_wins_a_tie(kind: ScoreKind) -> None:
    head, scores = Head(kind), column(0, 1, 1, 0.5, 1)
    assert [bool(head.membership(scores, index)[0, 0, 0]) for index in range(5)] == [False, True, False, False, False]
    assert head.labels(scores).item() == 1


@pytest.mark.parametrize("kind", EXCLUSIVE)
def test_every_pixel_belongs_to_exactly_one_exclusive_class(kind: ScoreKind) -> None:
    scores = with_ties(3)
    memberships = np.stack([Head(kind).membership(scores, index) for index in range(L)])
    assert (memberships.sum(axis=0) == 1).all()
    assert np.array_equal(memberships.argmax(axis=0), Head(kind).labels(scores))


@pytest.mark.parametrize("threshold", [0.1, 0.5, 0.9])
def test_an_independent_channel_is_predicted_above_the_threshold(threshold: float) -> None:
    logits = random_scores("sigmoid_logits")
    probabilities = np.asarray(scipy.special.expit(logits), np.float32)
    for index in range(L):
        expected = probabilities[:, index] > threshold
        assert np.array_equal(Head("sigmoid", threshold).membership(probabilities, index), expected)
        assert np.array_equal(Head("sigmoid_logits", threshold).membership(logits, index), expected)


@pytest.mark.parametrize("kind", INDEPENDENT)
def test_a_score_at_the_threshold_is_not_predicted(kind: ScoreKind) -> None:
    at = 0.0 if kind == "sigmoid_logits" else 0.5
    assert not Head(kind).membership(column(at), 0).any()
    assert Head(kind).membership(column(np.nextafter(np.float32(at), np.float32(1))), 0).all()


def test_the_threshold_on_the_scale_of_logits_is_the_logit() -> None:
    assert Head("sigmoid_logits", 0.9).score_threshold == pytest.approx(scipy.special.logit(0.9))
    assert Head("sigmoid", 0.9).score_threshold == 0.9


@pytest.mark.parametrize("kind", INDEPENDENT)
def test_labels_of_independent_channels_are_the_likeliest_one_above_the_threshold_else_none(kind: ScoreKind) -> None:
    scores = random_scores(kind)
    head, labels = Head(kind, 0.7), Head(kind, 0.7).labels(scores)
    for n, y, x in np.ndindex(N, H, W):
        pixel = scores[n, :, y, x]
        above = [index for index in range(L) if pixel[index] > head.score_threshold]
        assert labels[n, y, x] == max(above, key=lambda index: pixel[index], default=-1)
    assert (labels == -1).any()


def test_logits_become_probabilities_by_one_softmax() -> None:
    scores = random_scores("logits")
    assert Head("logits").probabilities(scores) == pytest.approx(scipy.special.softmax(scores, axis=1), abs=1e-6)


def test_independent_logits_become_probabilities_by_the_logistic_function() -> None:
    scores = np.concatenate([random_scores("sigmoid_logits"), 30 * random_scores("sigmoid_logits", 1)])
    assert Head("sigmoid_logits").probabilities(scores) == pytest.approx(scipy.special.expit(scores), abs=1e-6)


@pytest.mark.parametrize("kind", ["softmax", "sigmoid", "labels"])
def test_what_is_a_probability_already_stays_as_it_is(kind: ScoreKind) -> None:
    scores = random_scores(kind)
    assert np.array_equal(Head(kind).probabilities(scores), scores)


@pytest.mark.parametrize("kind", ["logits", "sigmoid_logits"])
def test_large_logits_do_not_overflow(kind: ScoreKind) -> None:
    probabilities = Head(kind).probabilities(column(3e4, -3e4, 0))
    assert np.isfinite(probabilities).all()
    assert probabilities.ravel()[:2] == pytest.approx([1, 0])
    assert probabilities.dtype == np.float32


@pytest.mark.parametrize("kind", SCORE_KINDS)
@pytest.mark.parametrize(("bad", "name"), [(np.nan, "NaN"), (np.inf, "infinity")])
@pytest.mark.parametrize("spoilt", range(L))
def test_nan_and_infinity_are_refused_wherever_they_could_decide(
    kind: ScoreKind, bad: float, name: str, spoilt: int
) -> None:
    head, scores = Head(kind), random_scores(kind)
    scores[1, spoilt, 2, 3] = bad
    with pytest.raises(ModelOutputError, match=f"expected finite scores, got {name}"):
        head.labels(scores)
    for index in range(L) if head.exclusive else [spoilt]:
        with pytest.raises(ModelOutputError, match=f"got {name}"):
            head.membership(scores, index)


@pytest.mark.parametrize("kind", INDEPENDENT)
def test_another_independent_channel_does_not_matter(kind: ScoreKind) -> None:
    scores = random_scores(kind)
    expected = Head(kind).membership(scores, 0)
    scores[:, 1] = np.nan
    assert np.array_equal(Head(kind).membership(scores, 0), expected)


def test_minus_infinity_is_a_class_that_is_ruled_out() -> None:
    """A model may mask a class with it: the softmax gives exactly 0, and the argmax is well defined."""
    scores = random_scores("logits")
    scores[:, 3] = -np.inf
    head = Head("logits")
    assert not head.membership(scores, 3).any()
    for index in (0, 1, 2, 4):
        assert np.array_equal(head.membership(scores, index), scores.argmax(axis=1) == index)
    assert np.array_equal(head.labels(scores), scores.argmax(axis=1))
    assert head.probabilities(scores) == pytest.approx(scipy.special.softmax(scores, axis=1), abs=1e-6)


def test_minus_infinity_is_an_independent_channel_that_is_off() -> None:
    head, scores = Head("sigmoid_logits"), column(-np.inf, 2)
    assert [bool(head.membership(scores, index).all()) for index in (0, 1)] == [False, True]
    assert head.labels(scores).item() == 1
    assert head.labels(scores[:, :1]).item() == -1
    assert head.probabilities(scores).ravel() == pytest.approx([0, scipy.special.expit(2)])


@pytest.mark.parametrize("index", range(3))
def test_minus_infinity_for_every_class_of_a_pixel_is_refused(index: int) -> None:
    scores = np.zeros((1, 3, 2, 2), np.float32)
    scores[0, :, 1, 0] = -np.inf
    with pytest.raises(ModelOutputError, match="minus infinity for every class"):
        Head("logits").membership(scores, index)
    with pytest.raises(ModelOutputError, match="minus infinity for every class"):
        Head("logits").labels(scores)


def test_finite_scores_whose_sum_overflows_are_accepted() -> None:
    scores = np.full((1, 2, 4, 4), 3e38, np.float32)
    assert Head("logits").membership(scores, 0).all()
    assert not Head("logits").labels(scores).any()


def test_scores_are_not_changed() -> None:
    scores = random_scores("logits")
    before = scores.copy()
    head = Head("logits")
    head.probabilities(scores)
    head.membership(scores, 2)
    head.labels(scores)
    assert np.array_equal(scores, before)


KINDS: tuple[ScoreKind, ...] = (*EXCLUSIVE, *INDEPENDENT)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("index", [0, 2, L - 1])
def test_the_lead_is_positive_where_the_class_is_predicted(kind: ScoreKind, index: int) -> None:
    head, scores = Head(kind, 0.3), random_scores(kind)
    lead = head.lead(scores[:, index], head.strongest_rival(scores, index, None))
    assert np.array_equal(lead > 0, head.membership(scores, index))
    assert np.abs(lead).max() <= 1


@pytest.mark.parametrize("kind", KINDS)
def test_the_lead_over_a_rival_is_positive_where_it_is_above(kind: ScoreKind) -> None:
    head, scores = Head(kind), random_scores(kind)
    lead = head.lead(scores[:, 1], head.strongest_rival(scores, 1, 3))
    assert np.array_equal(lead > 0, scores[:, 1] > scores[:, 3])


@pytest.mark.parametrize(("logits", "probabilities"), [("logits", "softmax"), ("sigmoid_logits", "sigmoid")])
@pytest.mark.parametrize("rival", [None, 3])
def test_the_lead_is_the_same_of_logits_and_of_their_probabilities(
    logits: ScoreKind, probabilities: ScoreKind, rival: int | None
) -> None:
    raw = random_scores("logits")
    leads = []
    for kind, scores in ((logits, raw), (probabilities, Head(logits).probabilities(raw))):
        head = Head(kind, 0.3)
        leads.append(head.lead(scores[:, 1], head.strongest_rival(scores, 1, rival)))
    assert leads[0] == pytest.approx(leads[1], abs=1e-4)  # 1 - p of a probability near 1 has few digits


def test_a_lead_by_hand() -> None:
    assert Head("logits").lead(np.array([3.0]), np.array([1.0])) == pytest.approx(np.tanh([0.5]))
    assert Head("softmax").lead(np.array([0.81, 0.0]), np.array([0.09, 0.0])) == pytest.approx([0.5, 0])
    assert Head("sigmoid").lead(np.array([0.9]), np.array([0.5])) == pytest.approx([0.5])


def test_a_class_without_rivals_leads_by_nothing() -> None:
    scores = np.ones((1, 1, 2, 2), np.float32)
    assert not Head("softmax").lead(scores[:, 0], Head("softmax").strongest_rival(scores, 0, None)).any()
