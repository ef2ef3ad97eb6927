"""Do small objects need more context? Dilations and perturbation ratio against the size of the prediction."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.stats import rankdata

from misure_onnx.insights.rows import ClassRows
from misure_onnx.intervals import Interval, Weights, bootstrap_interval

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


def spearman(one: npt.NDArray[np.float64], two: npt.NDArray[np.float64]) -> float | None:
    """Rank correlation; None where one of them is constant."""
    if len(one) < 2:
        return None
    a, b = (rankdata(values) - (len(one) + 1) / 2 for values in (one, two))
    spread = float(np.sqrt((a @ a) * (b @ b)))
    return float(a @ b) / spread if spread > 0 else None
