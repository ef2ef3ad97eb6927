"""Confidence intervals by resampling whole groups: what comes from one patient is one draw, not many."""

from collections.abc import Callable, Hashable, Sequence

import numpy as np
import numpy.typing as npt

Weights = npt.NDArray[np.int64]
"""(n,) how often each value is drawn."""

Interval = tuple[float, float]

DRAWS = 1000


def bootstrap_interval(
    statistic: Callable[[Weights], float | None],
    groups: Sequence[Hashable],
    *,
    seed: int = 0,
    draws: int = DRAWS,
    level: float = 0.95,
) -> Interval | None:
    """The percentile interval of a statistic, groups drawn with replacement (cluster bootstrap).

    Source: Efron and Tibshirani, An Introduction to the Bootstrap (1993), chapter 13, on groups.

    Args:
        statistic: of how often each value was drawn; None where a draw leaves it undefined (such draws do not count).
        groups: (n,) which group each value belongs to.
        seed: of the draws.
        draws: how many.
        level: of confidence.

    Returns:
        None for fewer than two groups, or where fewer than half of the draws have a value.
    """
    numbers = {group: number for number, group in enumerate(dict.fromkeys(groups))}
    if len(numbers) < 2:
        return None
    member = np.array([numbers[group] for group in groups])
    rng = np.random.default_rng(seed)
    found = []
    for _ in range(draws):
        drawn = np.bincount(rng.integers(0, len(numbers), len(numbers)), minlength=len(numbers))
        value = statistic(np.asarray(drawn[member], np.int64))
        if value is not None:
            found.append(value)
    if 2 * len(found) < draws:
        return None
    low, high = np.quantile(found, [(1 - level) / 2, (1 + level) / 2])
    return float(low), float(high)


def weighted_median(values: npt.NDArray[np.float64], order: npt.NDArray[np.intp], weights: Weights) -> float | None:
    """The median of values that occur so often each; the mean of the two middle ones where there are two.

    Args:
        values: (n,).
        order: `argsort` of the values, which is the same for every draw.
        weights: (n,).
    """
    reached = np.cumsum(weights[order])
    total = int(reached[-1]) if len(reached) else 0
    if total == 0:
        return None
    middle = [int(np.searchsorted(reached, place, side="right")) for place in ((total - 1) // 2, total // 2)]
    return float(values[order[middle]].mean())
