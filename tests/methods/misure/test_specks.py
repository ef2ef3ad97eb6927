"""What is dropped, and that nothing is dropped unasked."""

import numpy as np
import numpy.typing as npt
import pytest

from misure_onnx.methods.misure.specks import without_specks

Region = npt.NDArray[np.bool_]


def parts_of(*areas: int) -> Region:
    """One row of parts of the given areas, a pixel apart."""
    region = np.zeros((3, sum(areas) + len(areas)), bool)
    column = 0
    for area in areas:
        region[1, column : column + area] = True
        column += area + 1
    return region


def test_exactly_the_parts_that_are_not_needed_go() -> None:
    region = parts_of(1, 9, 2, 5, 1, 3)
    needed = region.copy()
    needed[:, [0, 1, 11, 12, 13, 20, 21]] = False  # the parts of 1, 2 and 1 pixels
    assert needed.sum() == 9 + 5 + 3
    assert np.array_equal(without_specks(region, lambda kept: bool((kept & needed).sum() == needed.sum())), needed)


def test_everything_stays_when_everything_is_needed() -> None:
    region = parts_of(4, 2, 7)
    assert np.array_equal(without_specks(region, lambda kept: bool(kept.sum() == region.sum())), region)


def test_every_accepted_region_was_asked_about() -> None:
    region, asked = parts_of(1, 2, 3, 4, 5, 6, 7, 8), list[Region]()

    def passes(kept: Region) -> bool:
        asked.append(kept)
        return bool(kept.sum() % 2)

    kept = without_specks(region, passes)
    assert any(np.array_equal(kept, candidate) for candidate in asked)
    assert len(asked) <= 4


def test_where_nothing_is_needed_all_parts_go() -> None:
    for areas in ((3,), (1, 2), (4, 2, 7)):
        region = parts_of(*areas)
        left = without_specks(region, lambda _: True)
        assert left.shape == region.shape
        assert left.dtype == bool
        assert not left.any()


@pytest.mark.parametrize(
    ("most", "halving"),
    [
        (0, [4, 2, 1]), (1, [4, 2, 1]), (2, [4, 2, 3]), (3, [4, 2, 3]), (4, [4, 6, 5]), (5, [4, 6, 5]),
        (6, [4, 6, 7]), (7, [4, 6, 7, 8]), (8, [4, 6, 7, 8]),
    ],
)  # fmt: skip
def test_how_many_of_eight_parts_can_go_is_found_by_halving(most: int, halving: list[int]) -> None:
    """By hand; so many of the smallest are asked about, and `most` of them are not needed."""
    region, asked = parts_of(*range(1, 9)), list[int]()
    parts_in = {count * (count + 1) // 2: count for count in range(9)}  # areas of the smallest ones

    def passes(kept: Region) -> bool:
        asked.append(parts_in[int(region.sum() - kept.sum())])
        return asked[-1] <= most

    left = without_specks(region, passes)
    assert asked == halving
    assert parts_in[int(region.sum() - left.sum())] == most


def test_an_empty_region_stays_empty() -> None:
    assert not without_specks(np.zeros((4, 4), bool), lambda _: True).any()
