"""Is a region minimal? Whether one of its blocks can be left out."""

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from misure_onnx.methods.sufficiency import Passes, margins_of
from misure_onnx.records import Minimality
from misure_onnx.types import FloatArray, Region, Size

MOST_BLOCKS = 30
"""Blocks of a region at most; the block's side follows from it."""


@dataclass(frozen=True, eq=False)
class Tiling:
    """The tiles of an image that hold a part of a region.

    Attributes:
        side: of a tile, in pixels.
        numbers: (H, W) the number of the tile of every pixel, in reading order of the tiles.
    """

    side: int
    numbers: npt.NDArray[np.int64]

    def of(self, region: Region) -> list[int]:
        """The tiles that a region touches, in reading order."""
        return [int(number) for number in np.unique(self.numbers[region])]


def tile(region: Region, most_blocks: int = MOST_BLOCKS) -> Tiling:
    """The finest tiling, from single pixels upwards, in which a region touches at most `most_blocks` tiles."""
    side = 1
    while True:
        tiling = Tiling(side, _numbered(region.shape, side))
        if len(tiling.of(region)) <= most_blocks:
            return tiling
        side = max(side + 1, side * 9 // 8)


def _numbered(size: Size, side: int) -> npt.NDArray[np.int64]:
    numbers = np.zeros((1,) * len(size), np.int64)
    for axis, extent in enumerate(size):
        along = np.arange(extent).reshape(-1, *[1] * (len(size) - 1 - axis)) // side
        numbers = numbers * -(-extent // side) + along
    return np.asarray(numbers, np.int64)


def without_blocks(region: Region, importance: FloatArray, passes: Passes, budget: int) -> tuple[Region, Minimality]:
    """Leaves blocks out until none can go, and says what was checked.

    First as many of the least important ones as can go in a row; then one after the other, those first without which
    the Dice was highest when they were last left out. The last round checks the very region that is returned.

    Args:
        region: (H, W), which passes.
        importance: (H, W) scores of at least 0; a block's is their sum over the region.
        passes: whether a region is sufficient on the deployed model.
        budget: regions asked about at most, without those that were begun beside the last one of a round.
    """
    tiling = tile(region)
    waiting = _by_importance(tiling, region, importance)
    told = margins_of(passes, _ever_more_left_out(tiling, region, waiting[:budget]), until=False)
    gone = [block for block, margin in zip(waiting, told, strict=False) if margin > 0]
    known = dict(zip(waiting, told, strict=False))
    while True:
        region = region & ~np.isin(tiling.numbers, gone)
        budget -= len(told)
        waiting = sorted((b for b in waiting if b not in gone), key=lambda block: -known.get(block, math.inf))
        told = margins_of(passes, _each_left_out(tiling, region, waiting[:budget]), until=True)
        known.update(zip(waiting, told, strict=False))
        gone = waiting[len(told) - 1 : len(told)] if told and told[-1] > 0 else []
        if not gone:
            return region, Minimality(tiling.side, len(waiting), len(told), 0)


def check_blocks(region: Region, passes: Passes, budget: int) -> Minimality:
    """Leaves each block out once, up to the first one that the model does not need.

    One after the other, so that a certificate's number of forwards does not depend on the threads.
    """
    tiling = tile(region)
    blocks = tiling.of(region)
    for checked, smaller in enumerate(_each_left_out(tiling, region, blocks[:budget]), start=1):
        if passes(smaller):
            return Minimality(tiling.side, len(blocks), checked, 1)
    return Minimality(tiling.side, len(blocks), min(len(blocks), budget), 0)


def _each_left_out(tiling: Tiling, region: Region, blocks: list[int]) -> Iterator[Region]:
    """The region without one of the blocks, one after the other."""
    return (region & (tiling.numbers != block) for block in blocks)


def _ever_more_left_out(tiling: Tiling, region: Region, blocks: list[int]) -> Iterator[Region]:
    """The region without the first of the blocks, without the first two, and so on."""
    for block in blocks:
        region = region & (tiling.numbers != block)
        yield region


def _by_importance(tiling: Tiling, region: Region, importance: FloatArray) -> list[int]:
    sums = np.bincount(tiling.numbers[region], weights=importance[region])
    return sorted(tiling.of(region), key=lambda block: sums[block])
