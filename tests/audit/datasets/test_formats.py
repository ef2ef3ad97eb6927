"""Every format: what it is recognised by, and which images, names, groups and truths it gives."""

import csv
import json
from pathlib import Path

import cv2
import numpy as np
import pytest

from misure_onnx.audit.datasets import FORMATS, load_dataset
from misure_onnx.audit.rle import encode
from misure_onnx.audit.sample import TruthFile
from misure_onnx.errors import ImageError, InputError
from tests.tiny_models import noise_image


def picture(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    cv2.imwrite(str(path), noise_image())
    return path


def mask(path: Path, value: int = 255) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    labels = np.zeros((20, 24), np.uint8)
    labels[2:5, 3:9] = value
    cv2.imwrite(str(path), labels)
    return path


def volume(path: Path) -> Path:
    nibabel = pytest.importorskip("nibabel")
    path.parent.mkdir(parents=True, exist_ok=True)
    nibabel.save(nibabel.Nifti1Image(np.ones((4, 5, 6), np.float32), np.eye(4)), path)
    return path


def test_a_folder_of_images_is_sorted_and_grouped_by_its_first_folders(tmp_path: Path) -> None:
    for name in ("b.png", "p2/x.jpg", "p1/deep/y.png", "p1/notes.txt", ".hidden.png"):
        picture(tmp_path / name) if not name.endswith(".txt") else (tmp_path / "p1/notes.txt").write_text("")
    dataset = load_dataset(tmp_path)
    assert dataset.format == "images"
    assert [(s.name, s.group) for s in dataset.samples] == [
        ("b.png", None),
        ("p1/deep/y.png", "p1"),
        ("p2/x.jpg", "p2"),
    ]
    assert all(sample.truth is None for sample in dataset.samples)


@pytest.mark.parametrize(
    ("image", "truth"),
    [
        ("images/p/a.jpg", "masks/p/a.png"),
        ("images/p/a.jpg", "labels/p/a_mask.png"),
        ("p/a.jpg", "p/a_mask.png"),
    ],
)
def test_masks_are_found_by_their_names(tmp_path: Path, image: str, truth: str) -> None:
    picture(tmp_path / image)
    mask(tmp_path / truth)
    picture((tmp_path / image).with_name("without.png"))
    dataset = load_dataset(tmp_path)
    assert dataset.format == "masks"
    with_truth, without = dataset.samples
    assert (with_truth.name, with_truth.group) == ("p/a.jpg", "p")
    assert with_truth.truth == TruthFile(tmp_path / truth)
    assert without.truth is None
    assert with_truth.truth is not None
    assert with_truth.truth.region(1, "thing", (20, 24)).sum() == 18
    assert vars(with_truth.truth) == {"path": tmp_path / truth}  # what was read is not kept: there are many of these


def test_a_truth_of_another_size_is_refused(tmp_path: Path) -> None:
    truth = TruthFile(mask(tmp_path / "m.png"))
    with pytest.raises(ImageError, match="24x20, the image 48x40"):
        truth.region(1, None, (40, 48))


def test_a_table_names_images_truths_groups_and_classes(tmp_path: Path) -> None:
    picture(tmp_path / "pictures/a.png")
    with (tmp_path / "list.csv").open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["image", "truth", "group", "class", "comment"])
        writer.writerow(["pictures/a.png", "a_mask.png", "patient 7", "person", "x"])
        writer.writerow(["b.nii.gz, c.nii.gz", "", "", "2", ""])
    first, second = load_dataset(tmp_path / "list.csv").samples
    assert (first.files, first.truth) == ((tmp_path / "pictures/a.png",), TruthFile(tmp_path / "a_mask.png"))
    assert (first.group, first.class_spec) == ("patient 7", "person")
    assert (second.files, second.truth) == ((tmp_path / "b.nii.gz", tmp_path / "c.nii.gz"), None)
    assert (second.group, second.class_spec) == (None, "2")


def test_a_parquet_table_is_the_same_as_a_csv_table(tmp_path: Path) -> None:
    pa, pq = pytest.importorskip("pyarrow"), pytest.importorskip("pyarrow.parquet")
    pq.write_table(pa.table({"image": ["a.png"], "class": [3], "other": [1.5]}), tmp_path / "list.parquet")
    (sample,) = load_dataset(tmp_path / "list.parquet").samples
    assert (sample.name, sample.class_spec, sample.truth) == ("a.png", "3", None)


def test_a_table_without_images_is_refused(tmp_path: Path) -> None:
    (tmp_path / "list.csv").write_text("picture,truth\na.png,b.png\n")
    with pytest.raises(InputError, match=r"expected a column 'image'.*got picture, truth"):
        load_dataset(tmp_path / "list.csv")


def coco(tmp_path: Path) -> Path:
    inside = np.zeros((20, 24), bool)
    inside[0:2, 0:3] = True
    document = {
        "images": [{"id": 7, "file_name": "a.png"}, {"id": 9, "file_name": "b.png"}],
        "categories": [{"id": 1, "name": "Person"}, {"id": 2, "name": "dog"}],
        "annotations": [
            {"image_id": 7, "category_id": 1, "segmentation": [[3, 2, 9, 2, 9, 5, 3, 5]]},
            {"image_id": 7, "category_id": 2, "segmentation": {"size": [20, 24], "counts": encode(inside)}},
            {"image_id": 7, "category_id": 2, "segmentation": {"size": [20, 24], "counts": [478, 2]}},
        ],
    }
    (tmp_path / "instances.json").write_text(json.dumps(document))
    return tmp_path / "instances.json"


def test_coco_categories_are_classes_by_name_and_without_names_by_number(tmp_path: Path) -> None:
    first, second = load_dataset(coco(tmp_path)).samples
    assert (first.name, first.number, first.files) == ("a.png", 7, (tmp_path / "a.png",))
    assert first.truth is not None
    assert second.truth is not None
    dogs = first.truth.region(5, "dog", (20, 24))
    assert dogs.sum() == 8
    assert (first.truth.region(2, None, (20, 24)) == dogs).all()
    people = np.argwhere(first.truth.region(15, "person", (20, 24)))
    assert (people.min(axis=0).tolist(), people.max(axis=0).tolist()) == ([2, 3], [4, 8])
    assert not second.truth.region(15, "person", (20, 24)).any()
    with pytest.raises(ImageError, match=r"neither polygons nor run lengths|is for an image of 24x20"):
        first.truth.region(5, "dog", (21, 24))


def test_the_images_of_a_coco_file_may_lie_elsewhere(tmp_path: Path) -> None:
    (tmp_path / "images").mkdir()
    assert load_dataset(coco(tmp_path)).samples[0].files == (tmp_path / "images/a.png",)
    assert load_dataset(coco(tmp_path), images_folder=Path("/x")).samples[0].files == (Path("/x/a.png"),)


@pytest.mark.parametrize("text", ["[]", "{", '{"images": [{"id": 1}]}', '{"images": 3}'])
def test_other_json_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "x.json").write_text(text)
    with pytest.raises(InputError, match=r"x\.json"):
        load_dataset(tmp_path / "x.json")


def test_nifti_files_are_volumes_or_the_channels_of_one(tmp_path: Path) -> None:
    for name in ("imagesTr/case1_0000.nii.gz", "imagesTr/case1_0001.nii.gz", "imagesTr/case2_0000.nii.gz"):
        volume(tmp_path / name)
    volume(tmp_path / "labelsTr/case1.nii.gz")
    first, second = load_dataset(tmp_path).samples
    assert (first.name, len(first.files)) == ("case1", 2)
    assert first.truth == TruthFile(tmp_path / "labelsTr/case1.nii.gz")
    assert (second.name, second.truth) == ("case2_0000.nii.gz", None)


def test_nifti_annotations_may_lie_beside_their_volumes(tmp_path: Path) -> None:
    volume(tmp_path / "p1/t1.nii.gz")
    volume(tmp_path / "p1/t1_seg.nii.gz")
    (sample,) = load_dataset(tmp_path).samples
    assert (sample.name, sample.group) == ("p1/t1.nii.gz", "p1")
    assert sample.truth == TruthFile(tmp_path / "p1/t1_seg.nii.gz")


def test_a_folder_of_volumes_and_images_is_read_as_neither_unless_it_is_said(tmp_path: Path) -> None:
    volume(tmp_path / "scan.nii.gz")
    picture(tmp_path / "a.png")
    picture(tmp_path / "b.png")
    with pytest.raises(InputError, match=r"volumes \(NIfTI: 1\) and images \(2\).*--format nifti or --format images"):
        load_dataset(tmp_path)
    assert [sample.name for sample in load_dataset(tmp_path, "images").samples] == ["a.png", "b.png"]
    assert [sample.name for sample in load_dataset(tmp_path, "nifti").samples] == ["scan.nii.gz"]


def test_what_is_no_data_set_is_refused_with_all_formats(tmp_path: Path) -> None:
    for place, word in ((tmp_path / "absent", "does not exist"), (tmp_path, "holds no image")):
        with pytest.raises(InputError, match=word) as refusal:
            load_dataset(place)
        assert all(form.summary in str(refusal.value) for form in FORMATS.values())
    with pytest.raises(InputError, match="the known ones are coco"):
        load_dataset(tmp_path, "zip")
    with pytest.raises(InputError, match="misure explain"):
        load_dataset(picture(tmp_path / "one.png"))


def test_an_image_that_is_named_twice_is_refused_unless_the_class_differs(tmp_path: Path) -> None:
    (tmp_path / "ok.csv").write_text("image,class\na.png,1\na.png,2\n")
    assert len(load_dataset(tmp_path / "ok.csv").samples) == 2
    (tmp_path / "bad.csv").write_text("image,class\na.png,1\na.png,1\n")
    with pytest.raises(InputError, match="named twice"):
        load_dataset(tmp_path / "bad.csv")
