"""Shapley values, against their definition over all orders of the players."""

from itertools import permutations, product
from math import comb

import numpy as np
import pytest

from misure_onnx.methods.shapley import Coalitions, Float64, enumerated, quality, sampled, shapley_values


def by_definition(game: dict[tuple[int, ...], float], players: int) -> Float64:
    """The mean over all orders of what a player adds when it comes."""
    phi = np.zeros(players)
    orders = list(permutations(range(players)))
    for order in orders:
        present = [0] * players
        for player in order:
            before = game[tuple(present)]
            present[player] = 1
            phi[player] += game[tuple(present)] - before
    return phi / len(orders)


def random_game(players: int, seed: int) -> dict[tuple[int, ...], float]:
    rng = np.random.default_rng(seed)
    return {z: float(rng.normal()) for z in product((0, 1), repeat=players)}


def gains_of(game: dict[tuple[int, ...], float], coalitions: Coalitions) -> Float64:
    nothing = game[(0,) * coalitions.members.shape[1]]
    return np.array([game[tuple(int(m) for m in z)] - nothing for z in coalitions.members])


def total_of(game: dict[tuple[int, ...], float], players: int) -> float:
    return game[(1,) * players] - game[(0,) * players]


@pytest.mark.parametrize("players", [2, 3, 5])
def test_all_coalitions_give_the_definition(players: int) -> None:
    game = random_game(players, seed=players)
    coalitions = enumerated(players)
    assert len({tuple(z) for z in coalitions.members.tolist()}) == 2**players - 2
    phi = shapley_values(coalitions, gains_of(game, coalitions), total_of(game, players))
    assert phi == pytest.approx(by_definition(game, players), abs=1e-9)


def test_the_glove_game_by_hand() -> None:
    # One left glove (player 0), two right ones (1, 2); a pair is worth 1. Known: 2/3, 1/6, 1/6.
    game = {z: float(z[0] and (z[1] or z[2])) for z in product((0, 1), repeat=3)}
    coalitions = enumerated(3)
    assert shapley_values(coalitions, gains_of(game, coalitions), 1.0) == pytest.approx([2 / 3, 1 / 6, 1 / 6])


def test_the_kernel_is_lundberg_and_lee_s() -> None:
    coalitions = enumerated(5)
    for z, weight in zip(coalitions.members, coalitions.weights, strict=True):
        s = int(z.sum())
        assert weight == pytest.approx(4 / (comb(5, s) * s * (5 - s)))


def test_sampled_sizes_follow_the_kernel_and_come_with_their_complements() -> None:
    coalitions = sampled(7, 20_000, np.random.default_rng(0))
    assert np.array_equal(coalitions.members[0::2], ~coalitions.members[1::2])
    shares = np.bincount(coalitions.members[0::2].sum(axis=1), minlength=8)[1:7] / 20_000
    expected = np.array([1 / (s * (7 - s)) for s in range(1, 7)])
    assert shares == pytest.approx(expected / expected.sum(), abs=0.01)
    assert coalitions.members.mean(axis=0) == pytest.approx(np.full(7, 0.5))


def test_an_additive_game_is_found_exactly_from_few_samples() -> None:
    worth = np.random.default_rng(1).normal(size=20)
    coalitions = sampled(20, 40, np.random.default_rng(2))
    gains = coalitions.members @ worth
    phi = shapley_values(coalitions, gains, float(worth.sum()))
    assert phi == pytest.approx(worth, abs=1e-9)
    measured = quality(coalitions, gains, float(worth.sum()), phi)
    assert measured["standard_error"][0] < 1e-9
    assert measured["additive_share"][0] == pytest.approx(1)


@pytest.mark.parametrize("pairs", [3, 12, 200])
def test_the_values_add_up_to_the_total_whatever_the_sample(pairs: int) -> None:
    rng = np.random.default_rng(pairs)
    coalitions = sampled(10, pairs, rng)
    phi = shapley_values(coalitions, rng.normal(size=len(coalitions.members)), 3.25)
    assert phi.sum() == pytest.approx(3.25, abs=1e-12)


def test_the_estimate_comes_closer_and_its_error_is_told() -> None:
    game = random_game(8, seed=3)
    exact = by_definition_fast(game, 8)
    errors, told = [], []
    for pairs in (40, 4000):
        off, stated = [], []
        for seed in range(20):
            coalitions = sampled(8, pairs, np.random.default_rng(seed))
            gains = gains_of(game, coalitions)
            phi = shapley_values(coalitions, gains, total_of(game, 8))
            off.append(np.sqrt(np.mean((phi - exact) ** 2)))
            stated.append(quality(coalitions, gains, total_of(game, 8), phi)["standard_error"][0])
        errors.append(np.mean(off))
        told.append(np.mean(stated))
    assert errors[1] < 0.2 * errors[0]
    assert 0.5 < told[0] / errors[0] < 2
    assert 0.5 < told[1] / errors[1] < 2


def by_definition_fast(game: dict[tuple[int, ...], float], players: int) -> Float64:
    """Shapley's formula: over coalitions without the player, weighted |S|! (n - |S| - 1)! / n!."""
    phi = np.zeros(players)
    for player in range(players):
        for z, value in game.items():
            if not z[player]:
                gain = game[(*z[:player], 1, *z[player + 1 :])] - value
                phi[player] += gain / (players * comb(players - 1, sum(z)))
    return phi
