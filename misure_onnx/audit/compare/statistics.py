"""Pairs in numbers: medians with intervals, over all classes and class by class."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from misure_onnx.audit.compare.pairs import MEASURES, Pair
from misure_onnx.intervals import Interval, bootstrap_interval, weighted_median


@dataclass(frozen=True)
class Summary:
    """One measure over some pairs: how many have it, mean, quartiles, and the 95 % interval of the median.

    The interval is a bootstrap over groups (or images); None where there are fewer than two of them.
    """

    count: int
    mean: float
    quartiles: tuple[float, float, float]
    median_interval: Interval | None


def summaries(found: Sequence[Pair], seed: int) -> dict[str, dict[str, dict[str, Summary]]]:
    """Method -> "all" or a class -> measure -> summary; what no pair has is left out."""
    return {
        method: {
            label: _of_measures(
                [pair for pair in found if pair.method == method and label in ("all", pair.label)], seed
            )
            for label in ("all", *sorted({pair.label for pair in found if pair.method == method}))
        }
        for method in dict.fromkeys(pair.method for pair in found)
    }


def _of_measures(found: Sequence[Pair], seed: int) -> dict[str, Summary]:
    summary = {}
    for measure in MEASURES:
        having = [pair for pair in found if getattr(pair, measure) is not None]
        if having:
            values = np.array([getattr(pair, measure) for pair in having], np.float64)
            summary[measure] = _summary(values, [pair.group or pair.image for pair in having], seed)
    return summary


def _summary(values: "np.ndarray[tuple[int, ...], np.dtype[np.float64]]", groups: Sequence[str], seed: int) -> Summary:
    order = np.argsort(values, kind="stable")
    low, middle, high = (float(q) for q in np.quantile(values, [0.25, 0.5, 0.75]))
    interval = bootstrap_interval(lambda weights: weighted_median(values, order, weights), groups, seed=seed)
    return Summary(len(values), float(values.mean()), (low, middle, high), interval)


@dataclass(frozen=True)
class Gate:
    """A condition for a release: the median of one measure, over all classes, of every method, reaches a bound.

    Pairs that could not be compared fail it too: a gate that lets half of the images fail would guard nothing.
    """

    measure: str
    bound: float
    medians: dict[str, float | None]
    not_compared: int

    @property
    def met(self) -> bool:
        """Whether the gate lets the model through."""
        enough = all(median is not None and median >= self.bound for median in self.medians.values())
        return enough and bool(self.medians) and self.not_compared == 0


def gate(found: Sequence[Pair], summary: dict[str, dict[str, dict[str, Summary]]], measure: str, bound: float) -> Gate:
    """Judges the pairs."""
    medians = {
        method: by_label["all"][measure].quartiles[1] if measure in by_label["all"] else None
        for method, by_label in summary.items()
    }
    failed = sum(pair.found_by == "failed" for pair in found)
    return Gate(measure, bound, medians, failed)
