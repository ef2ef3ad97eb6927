"""Blocks that can be left out are; none that cannot; and what was checked is said."""

import numpy as np
import numpy.typing as npt
import pytest

from misure_onnx.methods.blocks import MOST_BLOCKS, check_blocks, tile, without_blocks
from misure_onnx.methods.sufficiency import Passes

Region = npt.NDArray[np.bool_]
SHAPE = (48, 60)


@pytest.fixture
def region() -> Region:
    found = np.zeros(SHAPE, bool)
    found[4:44, 6:54] = True
    return found


@pytest.fixture
def key() -> Region:
    """What the model needs all of."""
    found = np.zeros(SHAPE, bool)
    found[10:13, 20:31] = found[30, 50] = True
    return found


def contains(needed: Region) -> Passes:

    def passes(kept: Region) -> bool:
        return bool((kept & needed).sum() == needed.sum())

    return passes


@pytest.mark.parametrize("pixels", [0, 1, MOST_BLOCKS, 700])
def test_tiles_are_the_finest_that_are_few_enough(pixels: int) -> None:
    found = np.zeros(SHAPE, bool)
    found.flat[np.random.default_rng(0).choice(found.size, pixels, replace=False)] = True
    tiling = tile(found)
    assert len(tiling.of(found)) <= MOST_BLOCKS
    assert tiling.side == 1 or pixels > MOST_BLOCKS
    for number in np.unique(tiling.numbers):
        rows, columns = np.nonzero(tiling.numbers == number)
        assert np.ptp(rows) < tiling.side
        assert np.ptp(columns) < tiling.side


def test_what_remains_is_minimal_block_by_block(region: Region, key: Region) -> None:
    passes = contains(key)
    kept, shown = without_blocks(region, region.astype(np.float32), passes, 500)
    assert passes(kept)
    numbers = tile(region).numbers
    expected = region & np.isin(numbers, np.unique(numbers[key]))
    assert np.array_equal(kept, expected)
    assert (shown.blocks, shown.checked, shown.removable) == (len(np.unique(numbers[key])),) * 2 + (0,)
    assert shown.shown
    for number in np.unique(numbers[kept]):  # slowly again: each block of the very result is needed
        assert not passes(kept & (numbers != number))


def test_the_least_important_blocks_go_first(region: Region) -> None:
    ramp = np.broadcast_to(np.arange(SHAPE[1], dtype=np.float32), SHAPE)
    half = int(region.sum()) / 2
    kept, _ = without_blocks(region, ramp, lambda r: bool(r.sum() >= half), 500)
    assert np.nonzero(kept)[1].mean() > np.nonzero(region)[1].mean() + 5


def one_after_the_other(
    region: Region, importance: npt.NDArray[np.float32], passes: Passes, budget: int
) -> tuple[Region, int, int]:
    """The description for checks that give no Dice: those asked least lately come first, then those that failed."""
    numbers = tile(region).numbers
    waiting = sorted(tile(region).of(region), key=lambda block: importance[region & (numbers == block)].sum())
    asked = 0
    failed = set[int]()
    while waiting and asked < budget:
        asked += 1
        if not passes(region & (numbers != waiting[0])):
            failed.add(waiting[0])
            break
        region = region & (numbers != waiting.pop(0))
    while True:
        waiting.sort(key=lambda block: block in failed)
        for checked, block in enumerate(waiting):
            if asked == budget:
                return region, len(waiting), checked
            asked += 1
            if passes(region & (numbers != block)):
                region = region & (numbers != block)
                waiting.remove(block)
                break
            failed.add(block)
        else:
            return region, len(waiting), len(waiting)


@pytest.mark.parametrize("budget", [*range(12), 25, 60, 500])
@pytest.mark.parametrize("seed", range(4))
def test_blocks_go_as_if_each_were_asked_about_after_the_one_before(region: Region, seed: int, budget: int) -> None:
    rng = np.random.default_rng(seed)
    importance, worth = (rng.random(SHAPE).astype(np.float32) for _ in range(2))

    def passes(kept: Region) -> bool:
        """Now and then less is enough where more was not, so that a block that had to stay can go later."""
        enough = (worth * kept)[::2].sum() > (0.35 + 0.1 * seed) * worth[::2].sum()
        return bool(enough or kept.sum() % 7 == 1)

    kept, shown = without_blocks(region, importance, passes, budget)
    expected, blocks, checked = one_after_the_other(region, importance, passes, budget)
    assert np.array_equal(kept, expected)
    assert (shown.blocks, shown.checked, shown.removable) == (blocks, checked, 0)


def test_a_spent_budget_is_said(region: Region, key: Region) -> None:
    kept, shown = without_blocks(region, region.astype(np.float32), contains(key), 5)
    assert not shown.shown
    assert shown.checked < shown.blocks
    assert kept.sum() < region.sum()


def test_a_check_ends_at_the_first_block_that_can_go(region: Region, key: Region) -> None:
    found = check_blocks(region, contains(key), 40)
    assert (found.checked, found.removable, found.shown) == (1, 1, False)
    assert check_blocks(key, lambda kept: bool(kept.sum() == key.sum()), 100).shown
    partly = check_blocks(region, lambda _: False, 4)
    assert (partly.checked, partly.removable, partly.shown) == (4, 0, False)
