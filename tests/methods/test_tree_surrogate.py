"""Trees as a stand-in for the model."""

import numpy as np
import numpy.typing as npt
import pytest

from misure_onnx.methods.random_masks import RandomMasks
from misure_onnx.methods.sampled_maps import SurrogateMap
from misure_onnx.methods.tree_surrogate import fit_trees, slope
from misure_onnx.types import FloatArray

ANSWERS = np.array([0.0, 1.0, 2.0])


@pytest.mark.parametrize(
    ("values", "expected"), [([1.0, 3.0, 5.0], 2.0), ([0.0, 1.0, 0.0], 1.0), ([2.0, 1.0, 0.0], 1.0)]
)
def test_the_slope_is_that_of_the_line_and_one_where_it_does_not_rise(values: list[float], expected: float) -> None:
    assert slope(ANSWERS, np.array(values)) == pytest.approx(expected)


def test_the_slope_over_a_constant_is_one() -> None:
    assert slope(np.ones(3), ANSWERS) == 1


def both_seen(count: int, seed: int) -> tuple[FloatArray, npt.NDArray[np.float64]]:
    """Masks of 20 places, and 1 where the first two are seen together."""
    masks = (np.random.default_rng(seed).random((count, 20)) < 0.5).astype(np.float32)
    return masks, np.asarray(masks[:, 0] * masks[:, 1], np.float64)


def test_places_that_must_be_seen_together_are_learned() -> None:
    masks, values = both_seen(300, 0)
    whole, _, _ = fit_trees(masks, values)
    others, truth = both_seen(500, 1)
    assert np.mean((whole(others) - whole(others).mean() - truth + truth.mean()) ** 2) < 0.2 * truth.var()


def test_a_half_learns_from_its_own_masks_alone() -> None:
    masks, values = both_seen(200, 0)
    others, _ = both_seen(50, 1)
    changed = values.copy()
    changed[1::2] *= 0.5
    even, still = fit_trees(masks, values)[1](others), fit_trees(masks, changed)[1](others)
    used = even > 0
    assert used.any()
    assert np.ptp(still[used] / even[used]) < 1e-4  # but for the factor that all three share


def test_the_map_of_both_surrogates_is_repeated_exactly_and_finds_the_place() -> None:
    drawn = RandomMasks((32, 32), 4, 0.5, "linear")
    masks = drawn.drawn(np.random.default_rng(0))
    judged = [(mask, float(mask[4:8, 4:8].mean() > 0.5)) for mask in (next(masks) for _ in range(200))]
    maps = []
    for _ in range(2):
        found = SurrogateMap(drawn, len(judged), 0, trees=True)
        found.add(judged)
        maps.append(found.maps())
    assert all(np.array_equal(one, other) for one, other in zip(*maps, strict=True))
    whole = maps[0][0]
    row, column = np.unravel_index(whole.argmax(), whole.shape)
    assert row < 14
    assert column < 14
