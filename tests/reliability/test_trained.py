"""Classifiers of right and wrong predictions: what they learn, what they are worth, and their file."""

import json
from pathlib import Path

import numpy as np
import pytest

from misure_onnx.errors import InputError, ParameterError
from misure_onnx.reliability.examples import COLUMNS, FEATURES
from misure_onnx.reliability.logistic import fit
from misure_onnx.reliability.trained import load_trained, predict, train
from misure_onnx.reliability.validation import out_of_fold
from tests.reliability.examples_of import rows


def test_it_finds_the_number_that_says_something() -> None:
    trained = train(rows())
    coefficients = dict(zip(FEATURES["paper"], trained.classifiers["liver"].coefficients, strict=True))
    assert coefficients["dice_explained"] > 3 * abs(coefficients["dilations"])
    score = trained.validations["liver"].scores[0]
    assert score.name == "classifier"
    assert score.auc == pytest.approx(0.92, abs=0.06)  # of two normals two deviations apart: Phi(2 / sqrt 2)
    assert score.auc_interval is not None
    assert score.auc_interval[0] < score.auc < score.auc_interval[1]


def test_numbers_that_say_nothing_are_worth_nothing_and_stand_beside_the_base_rate() -> None:
    validation = train(rows(60, says=0)).validations["liver"]
    assert abs(validation.scores[0].auc - 0.5) < 0.12
    assert {score.name for score in validation.scores} == {"classifier", "max_probability", "entropy"}
    assert validation.majority_accuracy == max(validation.base_rate, 1 - validation.base_rate)
    interval = validation.gain_interval["entropy"]
    assert interval is not None
    assert interval[0] < 0 < interval[1]


def test_no_prediction_is_judged_by_a_classifier_that_saw_its_group() -> None:
    """A number that names the patient separates all predictions of a patient, and says nothing of another one."""
    groups = [f"patient {k // 5}" for k in range(100)]
    right = np.repeat(np.random.default_rng(0).random(20) < 0.5, 5)
    one_hot = np.repeat(np.eye(20), 5, axis=0)
    assert (fit(one_hot, right).probabilities(one_hot) > 0.5).tolist() == right.tolist()
    unseen, folds = out_of_fold(one_hot, right, groups, 5, 0)
    assert folds == 5
    assert len(np.unique(unseen.round(9))) <= 5  # an unknown patient gets its fold's base rate
    for group in set(groups):
        assert len({round(p, 9) for p, g in zip(unseen, groups, strict=True) if g == group}) == 1


def test_the_logistic_regression_is_scikit_learn_s() -> None:
    from sklearn.linear_model import LogisticRegression  # noqa: PLC0415 - only here

    rng = np.random.default_rng(0)
    values = rng.normal(3, 5, (80, 2))
    right = values[:, 0] + rng.normal(0, 4, 80) > 3
    scaled = (values - values.mean(axis=0)) / values.std(axis=0)
    expected = LogisticRegression().fit(scaled, right).predict_proba(scaled)[:, 1]
    assert fit(values, right).probabilities(values) == pytest.approx(expected, abs=1e-6)


def test_a_missing_number_counts_as_the_mean() -> None:
    values, right = np.array([[1.0], [2], [3], [4]]), np.array([False, False, True, True])
    classifier = fit(values, right)
    mean, missing = classifier.probabilities(np.array([[2.5], [np.nan]]))
    assert mean == missing
    assert np.isfinite(fit(np.full((4, 1), np.nan), right).probabilities(values)).all()


def test_every_class_has_its_own_and_one_without_both_answers_has_none() -> None:
    always_right = [{**row, "class_name": "spleen", "dice_truth": 0.99} for row in rows(seed=1)]
    trained = train([*rows(), *always_right])
    assert list(trained.classifiers) == ["liver"]
    assert "0 a wrong one; 4 of each are needed" in trained.left_out["spleen"]
    with pytest.raises(InputError, match="spleen: 30 groups"):
        train(always_right)


def test_the_threshold_says_what_is_right() -> None:
    assert train(rows(), threshold=0.9).validations["liver"].base_rate < 1
    with pytest.raises(InputError, match="0 a wrong one"):
        train(rows(), threshold=0.4)


def test_it_is_saved_as_json_and_says_the_same_when_read(tmp_path: Path) -> None:
    trained = train(rows())
    place = tmp_path / "reliability.json"
    place.write_text(json.dumps(trained.record, allow_nan=False))
    again = load_trained(place)
    new = rows(seed=5)
    assert predict(new, again) == predict(new, trained)
    assert (again.threshold, again.features, again.method) == (0.9, "paper", "misure")


def test_new_predictions_need_no_truth_and_unknown_classes_get_no_answer() -> None:
    trained = train(rows())
    new = [{**row, "dice_truth": None} for row in rows(seed=5)]
    trusts = predict(new, trained, accept=0.7)
    assert all(trust.accepted == (trust.probability is not None and trust.probability >= 0.7) for trust in trusts)
    assert 0 < sum(trust.accepted for trust in trusts) < len(trusts)
    unknown = predict([{**row, "class_name": "spleen"} for row in new], trained)
    assert {(trust.probability, trust.accepted) for trust in unknown} == {(None, False)}


@pytest.mark.parametrize(
    "text", ["", "[]", "{}", '{"schema": "misure-onnx/reliability/1"}', '{"schema": "misure-onnx/reliability/2"}']
)
def test_other_files_are_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "x.json").write_text(text)
    with pytest.raises(InputError, match=r"x\.json"):
        load_trained(tmp_path / "x.json")


def test_what_cannot_work_is_refused() -> None:
    with pytest.raises(ParameterError, match="the known sets are paper, extended"):
        train(rows(), features="magic")
    with pytest.raises(ParameterError, match="choose one"):
        train([*rows(), {**rows()[0], "method": "rise"}])
    with pytest.raises(InputError, match="no row has an explanation of lime"):
        train(rows(), method="lime")
    with pytest.raises(InputError, match="ground truth"):
        train([{**row, "dice_truth": None} for row in rows()])
    for wrong in ({"threshold": 0.0}, {"folds": 1}):
        with pytest.raises(ParameterError):
            train(rows(), **wrong)  # type: ignore[arg-type]


def test_features_are_columns_of_the_table() -> None:
    from misure_onnx.audit.columns import COLUMNS as TABLE  # noqa: PLC0415 - only here

    assert set(COLUMNS) <= set(TABLE)
