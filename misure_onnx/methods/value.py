"""How much of the target a prediction shows: one number an image. One function a value, one line in `VALUES`."""

from collections.abc import Callable
from typing import Literal

import numpy as np
import numpy.typing as npt

from misure_onnx.overlap import soft_dice
from misure_onnx.scores import Head
from misure_onnx.target import ResolvedTarget
from misure_onnx.types import FloatArray, Scores

ValueName = Literal["dice", "soft_dice", "mean_probability", "mean_score"]

Numbers = npt.NDArray[np.float64]
Value = Callable[[Scores, Head, ResolvedTarget], Numbers]
"""Scores (N, L, H, W) of N images -> (N,), or (N, V) for several numbers an image; the target was resolved on the
unperturbed image."""


def _dice(scores: Scores, head: Head, target: ResolvedTarget) -> Numbers:
    """Hard Dice of the prediction against the target's region, within its domain; in [0, 1]."""
    return target.dice(target.predicted(scores, head))


def _soft_dice(scores: Scores, head: Head, target: ResolvedTarget) -> Numbers:
    """Soft Dice of the class's probability, within the domain; in [0, 1]. Changes with every pixel's confidence."""
    region = target.region.astype(np.float32)
    own = target.probability(scores, head) * target.domain
    return np.array([soft_dice(probability, region) for probability in own])


def _mean_probability(scores: Scores, head: Head, target: ResolvedTarget) -> Numbers:
    """Mean probability of the class over the target's region; in [0, 1]. Does not see what is predicted elsewhere."""
    return _mean_over_region(target.probability(scores, head), target)


def _mean_score(scores: Scores, head: Head, target: ResolvedTarget) -> Numbers:
    """Mean score (of most models: logit) of the class over the target's region; any number."""
    del head
    return _mean_over_region(target.score(scores), target)


def _mean_over_region(values: FloatArray, target: ResolvedTarget) -> Numbers:
    return np.asarray(values[:, target.region].mean(axis=1, dtype=np.float64), np.float64)


VALUES: dict[ValueName, Value] = {
    "dice": _dice,
    "soft_dice": _soft_dice,
    "mean_probability": _mean_probability,
    "mean_score": _mean_score,
}
