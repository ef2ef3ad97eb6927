"""Shapley values from the values of coalitions: KernelSHAP's constrained weighted least squares."""

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from misure_onnx.methods.convergence import split_half_correlation

Float64 = npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Coalitions:
    """Coalitions of n players, neither empty nor full.

    Attributes:
        members: (m, n) bool.
        weights: (m,) what each one counts.
        exact: these are all there are.
    """

    members: npt.NDArray[np.bool_]
    weights: Float64
    exact: bool

    def half(self, which: int) -> "Coalitions":
        """Every other pair (0 or 1) of sampled coalitions."""
        chosen = self.chosen(which)
        return Coalitions(self.members[chosen], self.weights[chosen], self.exact)

    def chosen(self, which: int) -> npt.NDArray[np.bool_]:
        """(m,) which coalitions are in a half."""
        return np.asarray(np.arange(len(self.members)) // 2 % 2 == which, bool)


def enumerated(players: int) -> Coalitions:
    """All coalitions with the Shapley kernel (n - 1) / (C(n, s) s (n - s)) of their size s."""
    numbers = np.arange(1, 2**players - 1)
    members = np.asarray((numbers[:, None] >> np.arange(players)) & 1, bool)
    sizes = members.sum(axis=1)
    weights = [(players - 1) / (math.comb(players, s) * s * (players - s)) for s in sizes.tolist()]
    return Coalitions(members, np.array(weights), exact=True)


def sampled(players: int, pairs: int, rng: np.random.Generator) -> Coalitions:
    """Pairs of a coalition and its complement; sizes with the Shapley kernel's probability, members uniformly."""
    sizes = np.arange(1, players)
    kernel = 1 / (sizes * (players - sizes))  # of all coalitions of a size together
    drawn = rng.choice(sizes, pairs, p=kernel / kernel.sum())
    ranks = rng.permuted(np.tile(np.arange(players), (pairs, 1)), axis=1)
    members = ranks < drawn[:, None]
    both = np.stack([members, ~members], axis=1).reshape(-1, players)
    return Coalitions(both, np.ones(len(both)), exact=False)


def shapley_values(coalitions: Coalitions, gains: Float64, total: float) -> Float64:
    """(n,) phi: min sum_z w(z) (g(z) - z phi)^2 subject to sum phi = g(all); the shortest where several do.

    The constraint is eliminated: phi = total / n + d with sum d = 0, so it holds to rounding whatever the sample.

    Args:
        coalitions: z and w.
        gains: (m,) g(z) = v(z) - v(empty).
        total: g(all).
    """
    members = coalitions.members.astype(np.float64)
    players = members.shape[1]
    centred = members - members.mean(axis=1, keepdims=True)  # z d = (z - mean z) d for every d that sums to 0
    root = np.sqrt(coalitions.weights)
    rest = gains - members.mean(axis=1) * total
    deviation = np.linalg.lstsq(centred * root[:, None], rest * root, rcond=None)[0]
    return np.asarray(total / players + deviation - deviation.mean(), np.float64)


def quality(coalitions: Coalitions, gains: Float64, total: float, phi: Float64) -> dict[str, list[float]]:
    """How good the estimate is, and how additive the game.

    Returns:
        `standard_error`: root mean square over players, half the difference of two halves' estimates, 0 where all
        coalitions were asked. `split_half_correlation`: of the same, 1 where all were asked. `additive_share`: the
        share of the weighted variance of gains that z phi explains.
    """
    error, agreement = 0.0, 1.0
    if not coalitions.exact:
        first, second = (shapley_values(coalitions.half(k), gains[coalitions.chosen(k)], total) for k in (0, 1))
        error = float(np.sqrt(np.mean(np.square(first - second)))) / 2
        agreement = split_half_correlation(first, second)
    weights = coalitions.weights / coalitions.weights.sum()
    spread = float(weights @ np.square(gains - weights @ gains))
    missed = float(weights @ np.square(gains - coalitions.members @ phi))
    return {
        "standard_error": [error],
        "split_half_correlation": [agreement],
        "additive_share": [1 - missed / spread if spread > 0 else 1.0],
    }
