"""What an audit says as a whole, on audits in which that is known."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("pyarrow", reason="pyarrow is not installed: tables need it")

from misure_onnx.audit.table import write_table
from misure_onnx.errors import InputError, ParameterError
from misure_onnx.insights.outliers import outliers
from misure_onnx.insights.recurring import on_grid, recurring, sides
from misure_onnx.insights.rows import ClassRows, by_class
from misure_onnx.insights.sizes import relation
from misure_onnx.insights.strategies import strategies
from tests.insights.audited import rows


def known(found: list[dict[str, Any]]) -> ClassRows:
    return ClassRows("square", 1, tuple(found))


def test_classes_come_apart_the_most_frequent_first(tmp_path: Path) -> None:
    other = [{**row, "class_index": 2, "class_name": None} for row in rows(5)]
    failed = [{**rows(1)[0], "error": "it failed", "class_index": None}]
    write_table([*other, *rows(9), *failed], tmp_path / "audit.parquet")
    assert [(one.label, one.index, len(one.rows)) for one in by_class(tmp_path)] == [
        ("square", 1, 9),
        ("class 2", 2, 5),
    ]
    with pytest.raises(InputError, match="no explanation of rise: misure"):
        by_class(tmp_path, "rise")
    write_table([*rows(3), {**rows(1)[0], "method": "rise"}], tmp_path / "audit.parquet")
    with pytest.raises(ParameterError, match="choose one"):
        by_class(tmp_path)


def test_smaller_objects_with_more_dilations_are_a_correlation_of_minus_one() -> None:
    found = relation(known(rows()), "dilations", 0)
    assert found is not None
    assert found.correlation == pytest.approx(-1)
    assert found.interval == pytest.approx((-1, -1))
    assert relation(known(rows(5)), "dilations", 0) is None
    assert relation(known([{**row, "dilations": 3} for row in rows()]), "dilations", 0) is None


def test_a_mark_that_stays_while_objects_move_is_found_and_nothing_else() -> None:
    found = recurring(known(rows(mark=True)), 0)
    assert found is not None
    assert {(place.row, place.column) for place in found.places} == {(0, 0)}
    assert found.places[0].images == 1
    assert found.places[0].p < 0.01


def test_context_that_goes_with_the_object_is_a_place_as_rarely_as_the_level_says() -> None:
    found = [recurring(known(rows(seed=seed)), 0) for seed in range(30)]
    assert sum(one is not None and one.places != () for one in found) <= 4  # 1.5 expected at 5 %
    assert all(one is not None and one.mean.sum() == pytest.approx(1) for one in found)


def test_too_little_evidence_outside_says_nothing() -> None:
    assert recurring(known(rows(near=False)), 0) is None
    assert recurring(known(rows(5)), 0) is None
    assert sides(known(rows(near=False))) is None


def test_cells_share_the_pixels_of_a_region() -> None:
    region = np.zeros((32, 48), bool)
    region[0, 0] = region[1, 2] = region[31, 47] = True
    grid = on_grid(region)
    assert (grid[0, 0], grid[15, 15], grid.sum()) == (pytest.approx(2 / 3), pytest.approx(1 / 3), pytest.approx(1))


def test_context_below_objects_is_seen_as_such() -> None:
    found = sides(known(rows()))
    assert found is not None
    assert found["below"] > 0.9
    assert sum(found.values()) == pytest.approx(1)


def test_two_strategies_come_apart_and_one_stays_one() -> None:
    both = [*rows(25, seed=0), *rows(15, near=False, seed=1)]
    found = strategies(known(both), 0)
    assert [one.count for one in found] == [25, 15]
    assert all(place < 25 for place in found[0].examples)
    assert all(place >= 25 for place in found[1].examples)
    assert found[0].medians["outside_share"] > 0
    assert found[1].medians["outside_share"] == 0
    rng = np.random.default_rng(0)
    cloud = [
        {**row, **dict.fromkeys(("outside_share", "boundary_share", "interior_share"), 0.3),
         "outside_distance": 0.1, "perturbation_ratio": 10 ** rng.normal()}
        for row in rows(60)
    ]  # fmt: skip
    assert len(strategies(known(rows(10)), 0)) == 0
    assert sum(one.count for one in strategies(known(cloud), 0)) == 60


def test_identical_explanations_are_one_strategy() -> None:
    (only,) = strategies(known([rows(1)[0]] * 30), 0)
    assert only.count == 30


def test_the_odd_one_out_is_found_with_what_makes_it_odd() -> None:
    found = rows()
    found[7]["perturbation_ratio"] = 60.0
    first = outliers(known(found))[0]
    assert (first.place, first.image, first.column, first.value) == (7, "007.png", "perturbation_ratio", 60.0)
    assert first.deviations > 50
