"""Do small objects need more context? Dilations and perturbation ratio against the size of the prediction."""

from dataclasses import dataclass

import numpy as np

from misure_onnx.insights.rows import ClassRows
from misure_onnx.intervals import Interval, Weights, bootstrap_interval
from misure_onnx.metrics.agreement import spearman

LEAST = 8
"""Fewer predictions show no relation."""


@dataclass(frozen=True)
class Relation:
    """How a number goes with the area of the prediction (MiSuRe, figures 4 to 7).

    Attributes:
        count: predictions that have the number.
        correlation: Spearman's; negative: smaller objects have more of it.
        interval: 95 % by drawing groups.
    """

    count: int
    correlation: float
    interval: Interval | None


def relation(known: ClassRows, name: str, seed: int) -> Relation | None:
    """Of a column with the area; None for fewer than eight predictions or a constant."""
    area, values = known.numbers("area_share"), known.numbers(name)
    having = np.isfinite(area) & np.isfinite(values)
    groups = [group for group, has in zip(known.groups, having, strict=True) if has]
    correlation = spearman(area[having], values[having])
    if having.sum() < LEAST or correlation is None:
        return None

    def drawn(weights: Weights) -> float | None:
        chosen = np.repeat(np.flatnonzero(having), weights)
        return spearman(area[chosen], values[chosen])

    return Relation(int(having.sum()), correlation, bootstrap_interval(drawn, groups, seed=seed))
