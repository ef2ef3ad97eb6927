"""Run lengths: known answers, a slow reading of the format, and the way back."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from misure_onnx.audit import rle
from misure_onnx.errors import InputError
from misure_onnx.types import Region


def slowly(counts: list[int]) -> str:
    """cocoapi's `rleToString`, a number and a character at a time."""
    text = ""
    for i, count in enumerate(counts):
        x = count - counts[i - 2] if i > 2 else count
        more = True
        while more:
            c = x & 0x1F
            x >>= 5
            more = x != -1 if c & 0x10 else x != 0
            text += chr((c | 0x20 if more else c) + 48)
    return text


def test_runs_go_down_the_columns_and_begin_with_zeros() -> None:
    region = np.array([[0, 1, 1], [0, 0, 1]], bool)
    assert rle.run_lengths(region).tolist() == [2, 1, 1, 2]
    assert rle.run_lengths(np.ones((2, 3), bool)).tolist() == [0, 6]
    assert rle.run_lengths(np.zeros((2, 3), bool)).tolist() == [6]


def test_what_is_not_bool_counts_as_one_where_it_is_not_zero() -> None:
    """A label map's numbers, and not how they change: 3 beside 7 is one run."""
    assert rle.run_lengths(np.array([[0, 3], [0, 7]])).tolist() == [2, 2]
    assert rle.run_lengths(np.array([[0, 3], [0, 7]])).dtype == np.int64


def test_known_texts() -> None:
    """By hand: 0..15 are one character from '0' on, 16 needs a second one, -1 is all ones."""
    assert rle.compress(np.array([2, 1, 1, 2])) == "2111"  # the last as the difference 2 - 1
    assert rle.compress(np.array([6])) == "6"
    assert rle.compress(np.array([16])) == "`0"
    assert rle.compress(np.array([0, 5, 0, 4])) == "050O"


@given(st.lists(st.integers(0, 10**7), min_size=1, max_size=40))
def test_the_text_is_cocoapi_s(counts: list[int]) -> None:
    assert rle.compress(np.array(counts, np.int64)) == slowly(counts)
    assert rle.decompress(slowly(counts)).tolist() == counts


@given(arrays(bool, st.tuples(st.integers(1, 9), st.integers(1, 9))))
def test_decoding_gives_the_region_back(region: Region) -> None:
    assert (rle.decode(rle.encode(region), region.shape) == region).all()


def test_a_volume_comes_back_too() -> None:
    region = np.random.default_rng(0).random((3, 4, 5)) > 0.5
    assert (rle.decode(rle.encode(region), (3, 4, 5)) == region).all()


@pytest.mark.parametrize("text", ["", "\x10", "/0", "0/0", "`", "p0", "P0p", "0p0", "é"])
def test_other_texts_are_refused(text: str) -> None:
    with pytest.raises(InputError, match="COCO run lengths"):
        rle.decompress(text)


def test_runs_of_another_size_are_refused() -> None:
    with pytest.raises(InputError, match=r"6 pixels do not fit a mask of \[2, 4\]"):
        rle.decode("6", (2, 4))
