"""Two models compared, on pictures and models whose answers are known by hand."""

import json
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("pyarrow", reason="pyarrow is not installed: tables need it")


from misure_onnx.audit.compare.pairs import iou_by_chance
from misure_onnx.audit.compare.run import Comparison, compare_models
from misure_onnx.audit.datasets import load_dataset
from misure_onnx.audit.run import Engine
from misure_onnx.errors import InputError
from misure_onnx.overlap import iou
from tests.audit.examples import RAW, settings, squares, two_pictures, write

DARKER = {**RAW, "scale": 1 / 510}
"""With this preprocessing a white pixel is 0.5, which is not bright."""


def compared(tmp_path: Path, *, fail_under: float | None = None, **of_b: object) -> Comparison:
    asked = settings(tmp_path, "predicted_mask")
    other = settings(tmp_path, "predicted_mask", **of_b)
    bound = None if fail_under is None else ("region_iou", fail_under)
    return compare_models(
        load_dataset(tmp_path / "data"), asked, other, tmp_path / "out", engine=Engine("inline"), bound=bound
    )


def test_a_model_agrees_with_itself_wholly(tmp_path: Path) -> None:
    two_pictures(tmp_path / "data")
    result = compared(tmp_path, fail_under=1.0)
    assert [(p.image, p.label, p.found_by) for p in result.found] == [
        ("a.png", "bright", "both"),
        ("b.png", "bright", "both"),
    ]
    assert all(p.prediction_dice == p.region_iou == 1 and p.ratio_difference == 0 for p in result.found)
    assert all(p.map_correlation == pytest.approx(1) for p in result.found)
    assert result.gate is not None
    assert result.gate.met
    everything = result.statistics["predicted_mask"]["all"]["region_iou"]
    assert (everything.count, everything.mean, everything.median_interval) == (2, 1.0, (1.0, 1.0))
    assert json.loads((tmp_path / "out/comparison.json").read_text())["gate"]["met"] is True
    assert (tmp_path / "out/worst.png").stat().st_size > 1000


def test_numbers_of_a_pair_by_hand(tmp_path: Path) -> None:
    """White is bright for both, grey for A alone: of 36 + 16 pixels B finds 36."""
    picture = squares((3, 4, 6), (12, 14, 4))
    picture[12:16, 14:18] = 140
    write(tmp_path / "data/a.png", picture)
    result = compared(tmp_path, preprocess={**RAW, "scale": 0.8 / 255})
    (pair,) = result.found
    assert pair.prediction_dice == pytest.approx(2 * 36 / (52 + 36))
    assert pair.region_iou == pytest.approx(36 / 52)
    assert pair.region_iou_by_chance == pytest.approx(iou_by_chance(52, 36, 52))
    assert (pair.ratio_a, pair.ratio_b, pair.ratio_difference) == (1, 1, 0)


def test_a_class_that_one_model_alone_finds_counts_as_no_agreement(tmp_path: Path) -> None:
    two_pictures(tmp_path / "data")
    result = compared(tmp_path, preprocess=DARKER, fail_under=0.5)
    assert [(p.found_by, p.prediction_dice, p.region_iou, p.map_correlation) for p in result.found] == [
        ("a", 0, 0, 0)
    ] * 2
    assert result.gate is not None
    assert not result.gate.met


def test_images_that_fail_are_counted_and_fail_the_gate(tmp_path: Path) -> None:
    two_pictures(tmp_path / "data")
    (tmp_path / "data/c.png").write_text("no picture")
    write(tmp_path / "data/black.png", squares())
    result = compared(tmp_path, fail_under=0.5)
    assert [(p.image, p.found_by) for p in result.found] == [("a.png", "both"), ("b.png", "both"), ("c.png", "failed")]
    assert result.gate is not None
    assert (result.gate.not_compared, result.gate.met) == (1, False)


def test_classes_are_matched_by_name_and_by_index_where_one_model_has_no_names(tmp_path: Path) -> None:
    two_pictures(tmp_path / "data")
    nameless = compared(tmp_path, preprocess={key: value for key, value in RAW.items() if key != "class_names"})
    assert [(p.label, p.found_by) for p in nameless.found] == [("class 1", "both")] * 2
    result = compared(tmp_path, preprocess={**RAW, "class_names": ["background", "shining"]})
    assert [(p.label, p.found_by) for p in result.found[:2]] == [("bright", "a"), ("shining", "b")]


def test_a_class_that_neither_model_finds_is_no_failure(tmp_path: Path) -> None:
    two_pictures(tmp_path / "data")
    write(tmp_path / "data/black.png", squares())
    asked = settings(tmp_path, "predicted_mask", classes=("bright",))
    data = load_dataset(tmp_path / "data")
    result = compare_models(data, asked, asked, tmp_path / "out", engine=Engine("inline"), bound=("region_iou", 1.0))
    assert [(p.image, p.found_by) for p in result.found][2] == ("black.png", "neither")
    assert result.gate is not None
    assert result.gate.met


def test_audits_that_found_nothing_to_compare_are_refused(tmp_path: Path) -> None:
    write(tmp_path / "data/black.png", squares())
    with pytest.raises(InputError, match="nothing could be compared"):
        compared(tmp_path)


def test_overlap_and_its_chance_level() -> None:
    one, two = np.zeros((10, 10), bool), np.zeros((10, 10), bool)
    assert iou(one, two) == 1
    one[:2], two[1:3] = True, True
    assert iou(one, two) == pytest.approx(10 / 30)
    assert iou_by_chance(0, 0, 100) == 1
    assert iou_by_chance(100, 100, 100) == 1
    rng = np.random.default_rng(0)
    drawn = [iou(*(rng.permutation(900).reshape(30, 30) < 300 for _ in "ab")) for _ in range(200)]
    assert iou_by_chance(300, 300, 900) == pytest.approx(np.mean(drawn), abs=0.005)
