"""Rank tests against their definitions, counted slowly."""

import itertools

import numpy as np
import pytest

from misure_onnx.errors import ParameterError
from misure_onnx.instances.comparison import compare_groups


def test_two_groups_that_do_not_overlap_have_the_largest_effect_and_the_exact_p() -> None:
    """Of the C(6, 3) = 20 orders of six values two are as extreme: p = 0.1."""
    found = compare_groups({"detected": [5.0, 6.0, 7.0], "false": [1.0, 2.0, 3.0]})
    (pair,) = found.pairs
    assert (pair.first, pair.second, pair.rank_biserial) == ("detected", "false", 1.0)
    assert pair.p == pair.p_corrected == pytest.approx(0.1)
    assert [(group.name, group.count, group.mean, group.quartiles) for group in found.groups] == [
        ("detected", 3, 6.0, (5.5, 6.0, 6.5)), ("false", 3, 2.0, (1.5, 2.0, 2.5)),
    ]  # fmt: skip


def test_the_effects_are_what_counting_pairs_gives() -> None:
    rng = np.random.default_rng(0)
    values = {
        name: rng.normal(shift, 1, n).round(1).tolist() for name, shift, n in (("a", 0, 12), ("b", 1, 7), ("c", 0, 9))
    }
    found = compare_groups(values)
    for pair in found.pairs:
        signs = [np.sign(x - y) for x, y in itertools.product(values[pair.first], values[pair.second])]
        assert pair.rank_biserial == pytest.approx(np.mean(signs))
    assert found.epsilon_squared == pytest.approx(share_of_rank_variance(list(values.values())))


def share_of_rank_variance(groups: list[list[float]]) -> float:
    """Between the groups, of the whole; ties share their mean rank."""
    everything = sorted(itertools.chain(*groups))
    rank = {v: np.mean([k for k, other in enumerate(everything, 1) if other == v]) for v in everything}
    ranks = [[rank[v] for v in group] for group in groups]
    mean = np.mean(list(itertools.chain(*ranks)))
    between = sum(len(group) * (np.mean(group) - mean) ** 2 for group in ranks)
    return float(between / sum((r - mean) ** 2 for group in ranks for r in group))


def test_several_pairs_are_corrected_by_holm() -> None:
    rng = np.random.default_rng(1)
    found = compare_groups({name: rng.normal(shift, 1, 15).tolist() for name, shift in (("a", 0), ("b", 1), ("c", 3))})
    ordered = sorted(found.pairs, key=lambda pair: pair.p)
    expected = np.maximum.accumulate([min(1, pair.p * factor) for pair, factor in zip(ordered, (3, 2, 1), strict=True)])
    assert [pair.p_corrected for pair in ordered] == pytest.approx(expected.tolist())
    assert found.p is not None
    assert found.p < 0.001


def test_the_comparison_in_words_gives_p_and_effect_of_every_pair() -> None:
    words = compare_groups({"detected": [5.0, 6.0, 7.0], "false": [1.0, 2.0, 3.0]}).in_words()
    assert words.splitlines()[1] == "detected against false: p = 0.1 (Holm), effect +1.00"
    assert "Kruskal-Wallis p = 0.05" in words
    assert compare_groups({"missed": [1.0]}).in_words() == "missed only: nothing to compare"


def test_equal_values_do_not_differ() -> None:
    found = compare_groups({"a": [2.0, 2.0], "b": [2.0, 2.0, 2.0]})
    assert (found.p, found.epsilon_squared) == (1.0, 0.0)
    assert found.pairs[0].rank_biserial == 0


def test_empty_groups_are_left_out_and_one_group_is_not_compared() -> None:
    found = compare_groups({"detected": [1.0, 2.0], "false": [], "missed": []})
    assert [group.name for group in found.groups] == ["detected"]
    assert (found.p, found.epsilon_squared, found.pairs) == (None, None, ())


@pytest.mark.parametrize("values", [{}, {"a": []}, {"a": [1.0, float("nan")]}])
def test_nothing_to_compare_is_refused(values: dict[str, list[float]]) -> None:
    with pytest.raises(ParameterError, match="expected finite numbers"):
        compare_groups(values)
