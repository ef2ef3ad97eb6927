"""Explanations unlike all others of their class."""

from dataclasses import dataclass

import numpy as np

from misure_onnx.insights.rows import NUMBERS, ClassRows

_SCALE = 1.4826  # the median absolute deviation of a normal distribution times this is its standard deviation
BOUND = 5.0


@dataclass(frozen=True)
class Outlier:
    """One explanation.

    Attributes:
        place: in the class's rows.
        image: of it.
        column: the number that is furthest from the class's median.
        value: it.
        deviations: how far, in robust standard deviations (1.4826 times the median absolute deviation).
    """

    place: int
    image: str
    column: str
    value: float
    deviations: float


def outliers(known: ClassRows, most: int = 10) -> tuple[Outlier, ...]:
    """Those more than five robust deviations away in some number, furthest first."""
    found: dict[int, Outlier] = {}
    for name in NUMBERS:
        values = known.numbers(name)
        if not np.isfinite(values).any():
            continue
        distance = np.abs(values - np.nanmedian(values))
        spread = _SCALE * float(np.nanmedian(distance))
        if spread == 0:
            continue
        for place in np.flatnonzero(distance > BOUND * spread).tolist():
            one = Outlier(
                place, known.rows[place]["image"], name, float(values[place]), float(distance[place] / spread)
            )
            if place not in found or one.deviations > found[place].deviations:
                found[place] = one
    return tuple(sorted(found.values(), key=lambda one: (-one.deviations, one.place))[:most])
