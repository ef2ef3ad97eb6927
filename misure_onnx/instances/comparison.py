"""Does a number of an object differ between detected, false and missed ones?

Spagnolo et al. report that the peaks of the maps have distributions that differ significantly between these groups.
Peaks are maxima: neither normal nor of equal spread, and the groups are of very different sizes. So ranks are compared:
all groups at once by Kruskal-Wallis, and every two by Mann-Whitney, corrected for their number by Holm.
"""

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.stats import kruskal, mannwhitneyu

from misure_onnx.errors import ParameterError


@dataclass(frozen=True)
class GroupSummary:
    """The values of one group: how many, mean, and the three quartiles."""

    name: str
    count: int
    mean: float
    quartiles: tuple[float, float, float]


@dataclass(frozen=True)
class PairTest:
    """Two groups.

    Attributes:
        first, second: their names.
        p: two-sided Mann-Whitney.
        p_corrected: Holm, for all pairs together.
        rank_biserial: 2 U / (n1 n2) - 1 in [-1, 1]: how much more often a value of the first is larger than one of the
            second than the other way round. The effect's size, which p does not tell.
    """

    first: str
    second: str
    p: float
    p_corrected: float
    rank_biserial: float


@dataclass(frozen=True)
class GroupComparison:
    """All groups.

    Attributes:
        groups: those with at least one value.
        p: Kruskal-Wallis over all of them; None where there is one group only.
        epsilon_squared: H / (n - 1) in [0, 1], the share of the ranks' variance that the groups explain; None as p.
        pairs: every two groups.
    """

    groups: tuple[GroupSummary, ...]
    p: float | None
    epsilon_squared: float | None
    pairs: tuple[PairTest, ...]

    def in_words(self) -> str:
        """A line for all groups, and one for every two."""
        if self.p is None or self.epsilon_squared is None:
            return f"{self.groups[0].name} only: nothing to compare"
        lines = [f"Kruskal-Wallis p = {self.p:.2g}, epsilon squared {self.epsilon_squared:.2f}"]
        lines += [
            f"{pair.first} against {pair.second}: p = {pair.p_corrected:.2g} (Holm), effect {pair.rank_biserial:+.2f}"
            for pair in self.pairs
        ]
        return "\n".join(lines)


def compare_groups(values: Mapping[str, Sequence[float]]) -> GroupComparison:
    """Summaries, tests and sizes of effects.

    The tests take objects as independent of each other. Those of one image or patient are not quite, so that a small p
    is worth less than it looks where a few images give most objects.

    Args:
        values: name of a group -> a number an object. Empty groups are left out.

    Raises:
        ParameterError: no values at all, or one that is not finite.
    """
    arrays = {name: np.asarray(group, np.float64) for name, group in values.items() if len(group)}
    if not arrays or not all(np.isfinite(array).all() for array in arrays.values()):
        raise ParameterError("expected finite numbers of at least one group, got none, or some that are not finite")
    summaries = tuple(_summary(name, array) for name, array in arrays.items())
    if len(arrays) == 1:
        return GroupComparison(summaries, None, None, ())
    everything = np.concatenate(list(arrays.values()))
    if np.ptp(everything) == 0:  # scipy refuses: every rank is the same
        h, p = 0.0, 1.0
    else:
        result = kruskal(*arrays.values())
        h, p = float(result.statistic), float(result.pvalue)
    return GroupComparison(summaries, p, h / (len(everything) - 1), _pairs(arrays))


def _summary(name: str, array: np.ndarray[tuple[int, ...], np.dtype[np.float64]]) -> GroupSummary:
    low, middle, high = (float(value) for value in np.quantile(array, [0.25, 0.5, 0.75]))
    return GroupSummary(name, len(array), float(array.mean()), (low, middle, high))


def _pairs(arrays: Mapping[str, np.ndarray[tuple[int, ...], np.dtype[np.float64]]]) -> tuple[PairTest, ...]:
    tests = []
    for first, second in itertools.combinations(arrays, 2):
        result = mannwhitneyu(arrays[first], arrays[second], alternative="two-sided")
        effect = 2 * float(result.statistic) / (len(arrays[first]) * len(arrays[second])) - 1
        tests.append((first, second, float(result.pvalue), effect))
    corrected = _holm([p for _, _, p, _ in tests])
    return tuple(PairTest(a, b, p, c, e) for (a, b, p, e), c in zip(tests, corrected, strict=True))


def _holm(p: Sequence[float]) -> list[float]:
    """The smallest p times their number, the next one times one less, ..., never falling."""
    order = np.argsort(p)
    corrected, highest = [0.0] * len(p), 0.0
    for rank, k in enumerate(order):
        highest = max(highest, min(1.0, p[k] * (len(p) - rank)))
        corrected[k] = highest
    return corrected
