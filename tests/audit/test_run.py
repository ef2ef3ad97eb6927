"""An audit from end to end, in this process, on a model whose answers are known."""

import json
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("pyarrow", reason="pyarrow is not installed: tables need it")

from misure_onnx.api import make_method, make_metrics
from misure_onnx.audit.coco_results import export_coco
from misure_onnx.audit.columns import COLUMNS
from misure_onnx.audit.datasets import load_dataset
from misure_onnx.audit.maps import load_map
from misure_onnx.audit.rle import decode
from misure_onnx.audit.run import Engine, run_audit
from misure_onnx.audit.shards import Shards
from misure_onnx.audit.table import read_rows
from misure_onnx.errors import InputError, OutputError, ParameterError, TargetError
from tests.audit.examples import audit, rows_of, same_content, settings, squares, two_pictures, write


def test_a_row_an_image_class_and_method_in_the_order_of_the_data_set(tmp_path: Path) -> None:
    result = audit(two_pictures(tmp_path / "data"), settings(tmp_path), tmp_path / "out")
    rows = rows_of(tmp_path / "out")
    assert [(row["image"], row["class_index"], row["method"]) for row in rows] == [
        ("a.png", 1, "predicted_mask"),
        ("a.png", 1, "sufficient_region"),
        ("b.png", 1, "predicted_mask"),
        ("b.png", 1, "sufficient_region"),
    ]
    assert [row["pixels"] for row in rows] == [36, 36, 80, 80]
    assert all(row["dice_explained"] == 1 and row["perturbation_ratio"] == 1 for row in rows)
    assert all(row["status"] == "ok" and row["error"] is None and row["class_name"] == "bright" for row in rows)
    assert rows[1]["dilations"] == 0
    assert rows[0]["size"] == [20, 24]
    assert result.record["results"] == {"rows": 4, "by_status": {"ok": 4}}


def test_the_table_has_the_published_columns_and_says_its_schema(tmp_path: Path) -> None:
    import pyarrow.parquet as pq  # noqa: PLC0415 - an extra

    result = audit(two_pictures(tmp_path / "data"), settings(tmp_path), tmp_path / "out")
    found = pq.read_schema(result.table)
    assert found.names == list(COLUMNS)
    assert found.metadata[b"schema"] == b"misure-onnx/audit/1"
    assert {"image", "class_index", "method", "dice_explained", "perturbation_ratio", "error"} <= set(COLUMNS)


def test_masks_and_maps_can_be_read_back(tmp_path: Path) -> None:
    audit(two_pictures(tmp_path / "data"), settings(tmp_path, "sufficient_region", maps="png"), tmp_path / "out")
    row = rows_of(tmp_path / "out")[0]
    expected = squares((3, 4, 6)) > 0
    assert (decode(row["prediction_rle"], tuple(row["size"])) == expected).all()
    assert (decode(row["minimal_region_rle"], tuple(row["size"])) == expected).all()
    assert (load_map(tmp_path / "out", row) == expected).all()


def test_float_maps_are_exact_and_eight_bits_are_within_half_a_step(tmp_path: Path) -> None:
    data = two_pictures(tmp_path / "data")
    for maps in ("float", "png"):
        audit(data, settings(tmp_path, "object_edges", "dilated_mask", maps=maps), tmp_path / maps)
    for exact, rounded in zip(rows_of(tmp_path / "float"), rows_of(tmp_path / "png"), strict=True):
        a, b = load_map(tmp_path / "float", exact), load_map(tmp_path / "png", rounded)
        assert np.abs(a - b).max() <= (a.max() - a.min()) / 255 / 2 + 1e-6


def test_an_image_that_fails_is_a_row_and_the_run_goes_on(tmp_path: Path) -> None:
    data = two_pictures(tmp_path / "data")
    (data / "aa.png").write_text("no picture")
    write(data / "black.png", squares())
    audit(data, settings(tmp_path, "predicted_mask"), tmp_path / "out")
    by_image = {row["image"]: row for row in rows_of(tmp_path / "out")}
    assert list(by_image) == ["a.png", "aa.png", "b.png", "black.png"]
    assert by_image["aa.png"]["status"] == "failed"
    assert "cannot be read" in by_image["aa.png"]["error"]
    assert by_image["aa.png"]["class_index"] is None
    assert by_image["black.png"]["status"] == "nothing_predicted"
    assert "nothing but background on 16 pixels" in by_image["black.png"]["error"]
    assert by_image["b.png"]["error"] is None


def test_a_failing_method_is_a_row_and_the_others_go_on(tmp_path: Path) -> None:
    data = two_pictures(tmp_path / "data")
    of_a_layer = make_method("seg_grad_cam", settings={"layer": "absent"})
    asked = settings(tmp_path, methods=(of_a_layer, make_method("predicted_mask")))
    audit(data, asked, tmp_path / "out")
    by_method = {row["method"]: row for row in rows_of(tmp_path / "out") if row["image"] == "a.png"}
    assert by_method["predicted_mask"]["status"] == "ok"
    assert by_method["seg_grad_cam"]["status"] == "failed"
    assert "absent" in by_method["seg_grad_cam"]["error"]
    assert by_method["seg_grad_cam"]["mean_entropy"] is not None


def test_a_class_asked_for_and_not_predicted_is_a_row(tmp_path: Path) -> None:
    data = two_pictures(tmp_path / "data")
    write(data / "black.png", squares())
    audit(data, settings(tmp_path, "predicted_mask", classes=("bright",)), tmp_path / "out")
    row = rows_of(tmp_path / "out")[-1]
    assert (row["image"], row["class_index"], row["status"]) == ("black.png", 1, "not_predicted")
    assert "is not predicted in this image" in row["error"]


def test_every_object_is_a_row_largest_first_within_its_class(tmp_path: Path) -> None:
    data = two_pictures(tmp_path / "data")
    audit(data, settings(tmp_path, "predicted_mask", objects=True), tmp_path / "out")
    assert [(r["image"], r["object"], r["pixels"]) for r in rows_of(tmp_path / "out")] == [
        ("a.png", 1, 36),
        ("b.png", 1, 64),
        ("b.png", 2, 16),
    ]
    audit(data, settings(tmp_path, "predicted_mask", objects=True, max_objects=1), tmp_path / "one")
    assert [row["pixels"] for row in rows_of(tmp_path / "one")] == [36, 64]
    audit(data, settings(tmp_path, "predicted_mask", objects=True, min_pixels=17), tmp_path / "large")
    assert [row["pixels"] for row in rows_of(tmp_path / "large")] == [36, 64]


def test_objects_beyond_the_image_s_budget_are_rows_that_say_so(tmp_path: Path) -> None:
    data = two_pictures(tmp_path / "data")
    audit(data, settings(tmp_path, "predicted_mask", objects=True, image_budget=1), tmp_path / "out")
    rows = rows_of(tmp_path / "out")
    assert [row["status"] for row in rows] == ["ok", "ok", "over_budget"]
    assert rows[2]["error"] == "image budget of 1 forwards is spent"
    assert rows[2]["class_index"] == 1


def test_ground_truth_gives_the_dice_of_the_prediction(tmp_path: Path) -> None:
    data = tmp_path / "data"
    write(data / "images/a.png", squares((3, 4, 6)))
    write(data / "masks/a.png", squares((3, 4, 6), (15, 18, 4)))  # 36 of 52 pixels, the other square is missed
    write(data / "images/b.png", squares())
    write(data / "masks/b.png", squares((3, 4, 6)))
    audit(data, settings(tmp_path, "predicted_mask", classes=("1",)), tmp_path / "out")
    found, missed = rows_of(tmp_path / "out")
    assert found["dice_truth"] == pytest.approx(2 * 36 / (36 + 52))
    assert found["truth_pixels"] == 52
    assert (missed["status"], missed["dice_truth"], missed["truth_pixels"]) == ("not_predicted", 0.0, 36)
    audit(data, settings(tmp_path, "predicted_mask", classes=("1",), objects=True), tmp_path / "objects")
    assert rows_of(tmp_path / "objects")[0]["dice_truth"] == 1  # the true object that it touches


def test_confidence_and_placement_stand_in_the_row(tmp_path: Path) -> None:
    audit(two_pictures(tmp_path / "data"), settings(tmp_path, "predicted_mask"), tmp_path / "out")
    row = rows_of(tmp_path / "out")[0]
    expected = 1 / (1 + np.exp(-1))  # logits -0.5 and 0.5
    assert row["mean_max_probability"] == pytest.approx(expected, abs=1e-6)
    assert 0 < row["mean_entropy"] < 1
    assert row["outside_share"] == 0
    assert row["interior_share"] == pytest.approx(16 / 36)


def test_metrics_that_were_asked_for_stand_in_a_map(tmp_path: Path) -> None:
    asked = settings(tmp_path, "predicted_mask", metrics=make_metrics("deletion"))
    audit(two_pictures(tmp_path / "data"), asked, tmp_path / "out")
    assert list(rows_of(tmp_path / "out")[0]["metrics"]) == ["deletion"]


def test_a_second_run_computes_nothing_and_gives_the_same_table(tmp_path: Path) -> None:
    data, asked = two_pictures(tmp_path / "data"), settings(tmp_path)
    audit(data, asked, tmp_path / "out")
    before = (tmp_path / "out/audit.parquet").read_bytes()
    result = audit(data, asked, tmp_path / "out")
    assert result.record["run"]["shards"] == {"total": 4, "computed": 0, "reused": 4, "interrupted": 0}
    assert (tmp_path / "out/audit.parquet").read_bytes() == before


def test_only_what_changed_is_computed_again(tmp_path: Path) -> None:
    data = two_pictures(tmp_path / "data")
    audit(data, settings(tmp_path, "predicted_mask"), tmp_path / "out")

    def computed(*methods: str, **changes: object) -> int:
        return int(
            audit(data, settings(tmp_path, *methods, **changes), tmp_path / "out").record["run"]["shards"]["computed"]
        )

    assert computed("predicted_mask", "sufficient_region") == 2  # the new method alone
    write(data / "a.png", squares((2, 2, 5)))
    assert computed("predicted_mask", "sufficient_region") == 2  # the new picture alone
    assert computed("predicted_mask", seed=1) == 2
    assert computed("predicted_mask", seed=1) == 0


def test_the_same_picture_under_two_names_is_two_rows(tmp_path: Path) -> None:
    for name in ("a.png", "b.png"):
        write(tmp_path / "data" / name, squares((3, 4, 6)))
    audit(tmp_path / "data", settings(tmp_path, "predicted_mask"), tmp_path / "out")
    assert [row["image"] for row in rows_of(tmp_path / "out")] == ["a.png", "b.png"]


def test_failed_images_are_tried_again_when_that_is_asked_for(tmp_path: Path) -> None:
    data = two_pictures(tmp_path / "data")
    (data / "c.png").write_text("no picture")
    asked = settings(tmp_path, "predicted_mask")
    audit(data, asked, tmp_path / "out")
    assert audit(data, asked, tmp_path / "out").record["run"]["shards"]["computed"] == 0
    again = settings(tmp_path, "predicted_mask", retry_failed=True)
    assert audit(data, again, tmp_path / "out").record["run"]["shards"]["computed"] == 1


def test_numbers_of_numpy_are_numbers_and_what_is_no_number_is_left_out(tmp_path: Path) -> None:
    shards = Shards(tmp_path)
    with shards.begun("ab12") as rows:
        rows.append(
            {"dilations": np.int64(3), "necessity": np.float32(0.5), "silhouette": float("nan"), "size": (2, 3)}
        )
    assert shards.read("ab12") == [{"dilations": 3, "necessity": 0.5, "silhouette": None, "size": [2, 3]}]


def test_classes_whose_objects_are_all_too_small_are_left_out_unless_asked_for(tmp_path: Path) -> None:
    write(tmp_path / "data/a.png", squares((1, 1, 3), (8, 10, 3)))  # 18 pixels, no object of 16
    audit(tmp_path / "data", settings(tmp_path, "predicted_mask", objects=True), tmp_path / "out")
    assert [row["status"] for row in rows_of(tmp_path / "out")] == ["nothing_predicted"]
    asked = settings(tmp_path, "predicted_mask", objects=True, classes=("bright",))
    audit(tmp_path / "data", asked, tmp_path / "asked")
    assert [row["status"] for row in rows_of(tmp_path / "asked")] == ["not_predicted"]


def test_what_was_only_begun_is_no_shard(tmp_path: Path) -> None:
    shards = Shards(tmp_path)
    with pytest.raises(ZeroDivisionError), shards.begun("ab12") as rows:
        rows.append({"image": str(1 // 0)})
    assert not shards.finished("ab12")
    (tmp_path / "shards/ab/ab12.77.begun").write_text('{"rows": [')
    assert not shards.finished("ab12")
    (tmp_path / ".audit.parquet.77").write_text("half a table")
    (tmp_path / ".hidden.txt").write_text("somebody's")
    assert shards.remove_leftovers() == 1
    assert [file.name for file in tmp_path.iterdir() if file.is_file()] == [".hidden.txt"]
    with pytest.raises(InputError, match="remove it and run the audit again"):
        shards.read("ab12")


def test_coco_results_hold_predictions_and_regions(tmp_path: Path) -> None:
    audit(two_pictures(tmp_path / "data"), settings(tmp_path), tmp_path / "out")
    places = export_coco(tmp_path / "out")
    assert [place.name for place in places] == [
        "coco_predictions.json",
        "coco_regions_predicted_mask.json",
        "coco_regions_sufficient_region.json",
    ]
    predictions = json.loads(places[0].read_text())
    assert [(one["image_id"], one["category_id"]) for one in predictions] == [(1, 1), (2, 1)]
    mask = predictions[0]["segmentation"]
    assert (decode(mask["counts"], tuple(mask["size"])) == (squares((3, 4, 6)) > 0)).all()


def test_volumes_are_audited_part_by_part(tmp_path: Path) -> None:
    nibabel = pytest.importorskip("nibabel")
    from tests.tiny_models import bright_pixels  # noqa: PLC0415 - only here

    (tmp_path / "data").mkdir()
    voxels = np.zeros((10, 8, 9), np.float32)
    voxels[4:6, 3:6, 3:5] = 255
    voxels[0, 0, 0] = 255
    nibabel.save(nibabel.Nifti1Image(voxels, np.eye(4)), tmp_path / "data/v.nii.gz")
    nibabel.save(nibabel.Nifti1Image((voxels > 0).astype(np.uint8), np.eye(4)), tmp_path / "data/v_seg.nii.gz")
    model = bright_pixels(tmp_path / "volumes.onnx", size=(6, 7, 8))
    asked = settings(
        tmp_path, "predicted_mask", model=str(model), crop=(2, 1, 1), min_pixels=1, preprocess={"scale": 1 / 255}
    )
    audit(tmp_path / "data", asked, tmp_path / "out")
    (row,) = rows_of(tmp_path / "out")
    assert row["error"] is None
    assert (row["size"], row["pixels"], row["truth_pixels"], row["dice_truth"]) == ([6, 7, 8], 12, 12, 1)
    assert decode(row["minimal_region_rle"], (6, 7, 8)).sum() == 12
    assert load_map(tmp_path / "out", row).shape == (6, 7, 8)


def test_progress_counts_images(tmp_path: Path) -> None:
    calls = list[tuple[str, int, int]]()
    dataset = load_dataset(two_pictures(tmp_path / "data"))
    asked = settings(tmp_path, "predicted_mask")
    run_audit(dataset, asked, tmp_path / "out", engine=Engine("inline"), progress=lambda *call: calls.append(call))
    assert calls == [("images", 0, 2), ("images", 1, 2), ("images", 2, 2)]


def test_what_cannot_work_is_refused_before_the_first_image(tmp_path: Path) -> None:
    data = two_pictures(tmp_path / "data")
    with pytest.raises(OutputError, match="lies inside the data set"):
        audit(data, settings(tmp_path), data / "out")
    with pytest.raises(TargetError, match="bright"):
        audit(data, settings(tmp_path, classes=("brigth",)), tmp_path / "out")
    with pytest.raises(ParameterError, match="the known ones are local, ray"):
        Engine("dask")
    with pytest.raises(ParameterError, match="inline is one worker"):
        run_audit(load_dataset(data), settings(tmp_path), tmp_path / "out", engine=Engine("inline", workers=2))
    assert not (tmp_path / "out/audit.parquet").exists()


def test_two_tables_are_the_same_whatever_the_time_was(tmp_path: Path) -> None:
    data = two_pictures(tmp_path / "data")
    for name, asked in (("a", settings(tmp_path)), ("b", settings(tmp_path)), ("c", settings(tmp_path, seed=1))):
        audit(data, asked, tmp_path / name)
    assert same_content(tmp_path / "a", tmp_path / "b")
    assert not same_content(tmp_path / "a", tmp_path / "c")


def test_other_tables_are_refused(tmp_path: Path) -> None:
    import pyarrow as pa  # noqa: PLC0415 - an extra
    import pyarrow.parquet as pq  # noqa: PLC0415 - an extra

    with pytest.raises(InputError, match="is no audit"):
        list(read_rows(tmp_path))
    pq.write_table(pa.table({"image": ["a"]}), tmp_path / "audit.parquet")
    with pytest.raises(InputError, match="expected 'misure-onnx/audit/1'"):
        list(read_rows(tmp_path))
