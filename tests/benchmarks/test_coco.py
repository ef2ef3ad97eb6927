"""COCO's layout, from small files."""

from pathlib import Path

import numpy as np
import pytest

from benchmarks.datasets.coco import CLASSES, open_coco
from benchmarks.datasets.labelled import UNKNOWN
from tests.benchmarks.coco_files import write_coco


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
