"""COCO's masks by hand, its layout from small files."""

from pathlib import Path

import numpy as np
import pytest

from benchmarks.datasets.coco import CLASSES, open_coco
from benchmarks.datasets.coco_masks import decode_counts, decode_mask
from benchmarks.datasets.labelled import UNKNOWN
from tests.benchmarks.coco_files import as_text, counts_of, write_coco


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
    assert decode_counts(text) == counts
    assert as_text(counts) == text


def test_every_mask_comes_back_from_its_run_lengths() -> None:
    rng = np.random.default_rng(0)
    for share in (0.0, 0.01, 0.5, 1.0):
        mask = rng.random((37, 53)) < share
        for counts in (counts_of(mask), as_text(counts_of(mask))):
            np.testing.assert_array_equal(decode_mask({"counts": counts, "size": [37, 53]}, 37, 53), mask)


def test_run_lengths_go_down_the_columns() -> None:
    mask = decode_mask({"counts": [1, 2, 3], "size": [2, 3]}, 2, 3)
    np.testing.assert_array_equal(mask, [[False, True, False], [True, False, False]])


def test_a_polygon_holds_the_pixels_whose_centres_lie_in_it() -> None:
    np.testing.assert_array_equal(np.argwhere(decode_mask([[1, 1, 4, 1, 4, 3, 1, 3]], 5, 6)), [
        [1, 1], [1, 2], [1, 3], [2, 1], [2, 2], [2, 3],
    ])  # fmt: skip
    triangle = decode_mask([[0.0, 0.0, 8.0, 0.0, 0.0, 8.0]], 8, 8)
    rows, columns = np.indices((8, 8)) + 0.5
    np.testing.assert_array_equal(triangle[rows + columns != 8], (rows + columns < 8)[rows + columns != 8])


def test_several_polygons_are_one_mask_and_may_leave_the_image() -> None:
    mask = decode_mask([[-3, -3, 2, -3, 2, 2, -3, 2], [4, 4, 9, 4, 9, 9, 4, 9]], 6, 6)
    assert mask.sum() == 8
    assert mask[:2, :2].all()
    assert mask[4:, 4:].all()


@pytest.mark.parametrize(
    ("segmentation", "message"),
    [
        ({"counts": [5], "size": [2, 3]}, "run lengths sum to 5"),
        ({"counts": [6], "size": [3, 2]}, "the image"),
        ({"counts": "T", "size": [2, 3]}, "end within a number"),
        ([[1.0, 2.0]], "three points"),
        ("nothing", "polygons, or run lengths"),
    ],
)
def test_what_is_no_mask_is_refused(segmentation: object, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        decode_mask(segmentation, 2, 3)


def test_images_of_the_eight_classes_come_with_labels(tmp_path: Path) -> None:
    coco = open_coco(write_coco(tmp_path / "coco"), "validation")
    assert len(coco) == 2  # the third has no object
    assert [coco[index].name for index in range(2)] == ["000000000007.png", "000000000009.png"]
    labels = coco[0].labels
    names = np.array(coco.class_names)[np.where(labels == UNKNOWN, 0, labels)]
    assert {"bus", "person", "dog"} == set(names[names != "background"])
    assert names[4, 20] == names[23, 49] == "bus"
    assert names[15, 35] == "dog"  # the smaller object lies above
    assert names[24, 11] == "person"
    assert (labels[30:, :10] == UNKNOWN).all()  # a crowd
    assert coco.class_names == ("background", *CLASSES)


def test_what_is_missing_is_said(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="annotations"):
        open_coco(None, "validation")
    with pytest.raises(FileNotFoundError):
        open_coco(tmp_path, "validation")
