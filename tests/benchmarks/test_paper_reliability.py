"""The reliability classifier on features whose answer is known."""

import numpy as np

from benchmarks.paper.reliability import Judged, probabilities


def test_a_feature_that_tells_good_from_bad_is_found_on_patients_never_seen() -> None:
    rng = np.random.default_rng(0)
    groups = [f"patient {index % 6}" for index in range(60)]
    truth = rng.random(60) < 0.5
    features = np.stack([truth + 0.1 * rng.normal(size=60), rng.normal(size=60), rng.normal(size=60)], axis=1)
    judged = Judged(tuple(groups), truth, probabilities(features, truth, groups))
    assert judged.auc == 1
    assert judged.accuracy == 1
    assert judged.brier is not None
    assert judged.brier < 0.05


def test_what_tells_a_patient_tells_nothing_of_another_one() -> None:
    """Each patient's truth can be read off a feature of its own: a division by slices would give AUC 1."""
    groups = [f"patient {index // 10}" for index in range(80)]
    truth = np.array([index // 10 in (0, 3, 5, 6) for index in range(80)])
    features = np.eye(8)[np.arange(80) // 10]
    judged = Judged(tuple(groups), truth, probabilities(features, truth, groups))
    assert judged.auc is not None
    assert judged.auc <= 0.5


def test_too_few_patients_or_one_kind_of_prediction_give_no_classifier() -> None:
    features = np.zeros((6, 3))
    assert probabilities(features, np.ones(6, bool), list("abcdef")) is None
    assert probabilities(features, np.array([True, False] * 3), ["a"] * 6) is None
    judged = Judged(tuple("abcdef"), np.ones(6, bool), None)
    assert judged.prevalence == 1
    assert [judged.auc, judged.accuracy, judged.brier, judged.curve()] == [None] * 4
