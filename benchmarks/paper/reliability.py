"""Can a prediction be trusted? Section 5.5: logistic regression on three features of its explanation.

Features: dilations, Dice explained, perturbation ratio. Label: whether the prediction's Dice with the truth is above
0.9. One classifier a class. The paper does not say how it divides samples; here every probability comes from a
classifier that has not seen the patient (cross-validation by groups), since neighbouring slices are nearly the same.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import brier_score_loss, roc_auc_score, roc_curve
from sklearn.model_selection import StratifiedGroupKFold, cross_val_predict
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from benchmarks.paper.results import Results
from benchmarks.paper.settings import PAPER

GOOD = 0.9
FOLDS = 5

Numbers = npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Judged:
    """One class.

    Attributes:
        names: of the objects.
        truth: (N,) bool, whether each prediction is good.
        probability: (N,) that it is; None where all are good, all are bad, or there are too few patients.
    """

    names: tuple[str, ...]
    truth: npt.NDArray[np.bool_]
    probability: Numbers | None

    @property
    def prevalence(self) -> float:
        """Share of good predictions: what accuracy is worth."""
        return float(self.truth.mean())

    @property
    def accuracy(self) -> float | None:
        """At probability 0.5."""
        return None if self.probability is None else float(((self.probability >= 0.5) == self.truth).mean())

    @property
    def auc(self) -> float | None:
        """Area under the ROC curve."""
        return None if self.probability is None else float(roc_auc_score(self.truth, self.probability))

    @property
    def brier(self) -> float | None:
        """Mean squared error of the probability."""
        return None if self.probability is None else float(brier_score_loss(self.truth, self.probability))

    def curve(self) -> tuple[Numbers, Numbers] | None:
        """False and true positive rates."""
        return None if self.probability is None else roc_curve(self.truth, self.probability)[:2]


def judged_classes(results: Results) -> Iterator[tuple[str, Judged]]:
    """Every class that was explained with the paper's parameters."""
    pairs = [(name, question) for name, question in results.questions.items() if f"{name} | {PAPER}" in results.rows]
    for wanted in sorted({question["class"] for _, question in pairs}):
        mine = [(name, question) for name, question in pairs if question["class"] == wanted]
        names = tuple(name for name, _ in mine)
        features = np.array([_features(results, name) for name in names], np.float64)
        truth = np.array([question["truth_dice"] > GOOD for _, question in mine])
        yield wanted, Judged(names, truth, probabilities(features, truth, [question["group"] for _, question in mine]))


def _features(results: Results, name: str) -> tuple[float, float, float]:
    row = results.rows[f"{name} | {PAPER}"]
    region = row["regions"][""]
    return float(row["dilations"]), region["dice_soft"], region["ratio"]


def probabilities(features: Numbers, truth: npt.NDArray[np.bool_], groups: list[str]) -> Numbers | None:
    """(N,) from classifiers that have not seen the sample's group; None where that cannot be.

    Args:
        features: (N, F).
        truth: (N,) bool.
        groups: N names: of patients.
    """
    folds = min(FOLDS, *(len({g for g, t in zip(groups, truth, strict=True) if t == kind}) for kind in (True, False)))
    if folds < 2:
        return None
    model = make_pipeline(StandardScaler(), LogisticRegression())
    division = StratifiedGroupKFold(folds, shuffle=True, random_state=0)
    if any(len(set(truth[rest])) < 2 for rest, _ in division.split(features, truth, groups)):
        return None
    predicted = cross_val_predict(model, features, truth, groups=groups, cv=division, method="predict_proba")
    return np.asarray(predicted[:, 1], np.float64)
