"""Different ways in which a model finds one class: clusters of explanations by where the evidence lies."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from misure_onnx.insights.rows import ClassRows

FEATURES = ("outside_share", "boundary_share", "interior_share", "perturbation_ratio", "outside_distance")
"""The ratio as its logarithm, since halves and doubles are alike."""

LEAST = 20
_MOST_CLUSTERS = 5
_CLEAR = 0.25
"""A mean silhouette below it is no structure (Kaufman and Rousseeuw 1990, table 4)."""


@dataclass(frozen=True)
class Strategy:
    """One cluster.

    Attributes:
        count: predictions.
        medians: of the features, as the table has them.
        examples: places in the class's rows, the most typical first.
    """

    count: int
    medians: dict[str, float]
    examples: tuple[int, ...]


def strategies(known: ClassRows, seed: int, examples: int = 4) -> tuple[Strategy, ...]:
    """The clusters, largest first; one of all where no clear structure is found; none for too few predictions.

    k-means on standardised features, with as many clusters (2 to 5) as have the largest mean silhouette.
    """
    columns = {name: known.numbers(name) for name in FEATURES}
    having = np.flatnonzero(np.all([np.isfinite(values) for values in columns.values()], axis=0))
    if len(having) < LEAST:
        return ()
    values = np.stack([columns[name][having] for name in FEATURES], axis=1)
    scaled = _scaled(values)
    labels = _labels(scaled, seed)
    found = [_strategy(values, scaled, having, labels == k, examples) for k in np.unique(labels)]
    return tuple(sorted(found, key=lambda one: -one.count))


def _scaled(values: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    values = values.copy()
    ratio = FEATURES.index("perturbation_ratio")
    values[:, ratio] = np.log10(values[:, ratio] + 1e-3)
    spread = values.std(axis=0)
    return np.asarray((values - values.mean(axis=0)) / np.where(spread > 0, spread, 1), np.float64)


def _labels(scaled: npt.NDArray[np.float64], seed: int) -> npt.NDArray[np.int64]:
    from sklearn.cluster import KMeans  # noqa: PLC0415 - the command line must start fast
    from sklearn.metrics import silhouette_score  # noqa: PLC0415

    best, labels = _CLEAR, np.zeros(len(scaled), np.int64)
    distinct = len(np.unique(scaled.round(9), axis=0))
    for count in range(2, min(_MOST_CLUSTERS, distinct - 1) + 1):
        tried = KMeans(count, n_init=10, random_state=seed).fit_predict(scaled)
        clear = float(silhouette_score(scaled, tried, sample_size=min(len(scaled), 2000), random_state=seed))
        if clear > best:
            best, labels = clear, np.asarray(tried, np.int64)
    return labels


def _strategy(
    values: npt.NDArray[np.float64],
    scaled: npt.NDArray[np.float64],
    places: npt.NDArray[np.intp],
    inside: npt.NDArray[np.bool_],
    examples: int,
) -> Strategy:
    distance = ((scaled[inside] - scaled[inside].mean(axis=0)) ** 2).sum(axis=1)
    typical = places[inside][np.argsort(distance, kind="stable")[:examples]]
    medians = dict(zip(FEATURES, np.median(values[inside], axis=0).tolist(), strict=True))
    return Strategy(int(inside.sum()), medians, tuple(typical.tolist()))
