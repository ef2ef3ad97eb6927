"""Folders of images and masks, small ones and the real ones."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from benchmarks.datasets.folder import open_folder
from benchmarks.datasets.labelled import UNKNOWN
from tests.shared_data import shared_data


def write(path: Path, values: object) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.asarray(values, np.uint8)).save(path)


def test_masks_in_a_folder_of_their_own_are_found_by_name(tmp_path: Path) -> None:
    for name, grey in (("b", 2), ("a", 1)):
        write(tmp_path / "images" / f"{name}.bmp", np.full((3, 4, 3), grey))
        write(tmp_path / "masks" / f"{name}.png", np.eye(3, 4) * 255)
    folder = open_folder(tmp_path, "validation")
    assert [folder[index].name for index in range(len(folder))] == ["a.bmp", "b.bmp"]
    assert folder[1].image.max() == 2
    np.testing.assert_array_equal(folder[0].labels, np.eye(3, 4))


def test_named_classes_are_indices_and_255_is_unknown(tmp_path: Path) -> None:
    (tmp_path / "classes.txt").write_text("sky\nsea\nshore\n", encoding="utf-8")
    write(tmp_path / "images" / "a.png", np.zeros((2, 3)))
    write(tmp_path / "masks" / "a.png", [[0, 1, 2], [2, 255, 0]])
    folder = open_folder(tmp_path, "validation")
    assert folder.class_names == ("sky", "sea", "shore")
    np.testing.assert_array_equal(folder[0].labels, [[0, 1, 2], [2, UNKNOWN, 0]])
    write(tmp_path / "masks" / "a.png", np.full((2, 3), 3))
    with pytest.raises(ValueError, match=r"classes\.txt names 3"):
        folder[0]


def test_parts_are_folders_and_nothing_is_trained_on_what_is_measured(tmp_path: Path) -> None:
    for part in ("training", "validation"):
        write(tmp_path / part / "images" / f"{part}.png", np.zeros((2, 2)))
        write(tmp_path / part / "masks" / f"{part}.png", np.zeros((2, 2)))
    assert open_folder(tmp_path, "training")[0].name == "training.png"
    with pytest.raises(ValueError, match="training"):
        open_folder(tmp_path / "validation", "training")


def test_what_does_not_fit_is_said(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="no images with masks"):
        open_folder(tmp_path, "validation")
    write(tmp_path / "images" / "a.png", np.zeros((2, 2)))
    with pytest.raises(ValueError, match="no mask"):
        open_folder(tmp_path, "validation")
    write(tmp_path / "masks" / "a.png", np.zeros((2, 3)))
    with pytest.raises(ValueError, match="its labels are"):
        open_folder(tmp_path, "validation")[0]


@pytest.mark.parametrize(("folder", "count"), [("images", 5), ("medical", 9)])
def test_the_real_folders_are_read(folder: str, count: int) -> None:
    dataset = open_folder(shared_data() / folder, "validation")
    assert len(dataset) == count
    for index in range(len(dataset)):
        assert 0 < dataset[index].labels.mean() < 1, dataset[index].name
