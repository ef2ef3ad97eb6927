"""COCO's masks by hand."""

import numpy as np
import pytest

from misure_onnx.audit.coco_masks import decode_mask
from misure_onnx.audit.rle import decompress
from misure_onnx.errors import ImageError
from tests.benchmarks.coco_files import as_text, counts_of


@pytest.mark.parametrize(
    ("text", "counts"),
    [
        ("349", [3, 4, 9]),
        ("349N", [3, 4, 9, 2]),  # the fourth is 4 - 2 less: -2 is 30 in five bits, code 78
        ("T3", [100]),  # 100 = 3 * 32 + 4: 4 with the sixth bit is code 84, then 3
        ("0`0", [0, 16]),  # 16 alone would have the sign's bit: a group of zeros follows
    ],
)
def test_run_lengths_are_read_from_text(text: str, counts: list[int]) -> None:
    assert decompress(text).tolist() == counts
    assert as_text(counts) == text


def test_every_mask_comes_back_from_its_run_lengths() -> None:
    rng = np.random.default_rng(0)
    for share in (0.0, 0.01, 0.5, 1.0):
        mask = rng.random((37, 53)) < share
        for counts in (counts_of(mask), as_text(counts_of(mask))):
            np.testing.assert_array_equal(decode_mask({"counts": counts, "size": [37, 53]}, (37, 53)), mask)


def test_run_lengths_go_down_the_columns() -> None:
    mask = decode_mask({"counts": [1, 2, 3], "size": [2, 3]}, (2, 3))
    np.testing.assert_array_equal(mask, [[False, True, False], [True, False, False]])


def test_a_polygon_holds_the_pixels_whose_centres_lie_in_it() -> None:
    np.testing.assert_array_equal(np.argwhere(decode_mask([[1, 1, 4, 1, 4, 3, 1, 3]], (5, 6))), [
        [1, 1], [1, 2], [1, 3], [2, 1], [2, 2], [2, 3],
    ])  # fmt: skip
    triangle = decode_mask([[0.0, 0.0, 8.0, 0.0, 0.0, 8.0]], (8, 8))
    rows, columns = np.indices((8, 8)) + 0.5
    np.testing.assert_array_equal(triangle[rows + columns != 8], (rows + columns < 8)[rows + columns != 8])


def test_several_polygons_are_one_mask_and_may_leave_the_image() -> None:
    mask = decode_mask([[-3, -3, 2, -3, 2, 2, -3, 2], [4, 4, 9, 4, 9, 9, 4, 9]], (6, 6))
    assert mask.sum() == 8
    assert mask[:2, :2].all()
    assert mask[4:, 4:].all()


@pytest.mark.parametrize(
    ("segmentation", "message"),
    [
        ({"counts": [5], "size": [2, 3]}, "run lengths of 5 pixels"),
        ({"counts": [6], "size": [3, 2]}, "is for an image of 2x3, this one is 3x2"),
        ({"counts": "T", "size": [2, 3]}, "no text of COCO run lengths"),
        ([[1.0, 2.0]], "three points"),
        ("nothing", "neither polygons nor run lengths"),
        ([[1, 2, 3, 4, 5, float("nan")]], "finite numbers"),
        ([["a"] * 6], "neither polygons"),
        (3, "neither polygons"),
    ],
)
def test_what_is_no_mask_is_refused(segmentation: object, message: str) -> None:
    with pytest.raises(ImageError, match=message):
        decode_mask(segmentation, (2, 3))
