"""The class that is explained, by index or name, found in label maps drawn by hand."""

from typing import Any

import numpy as np
import pytest

from misure_onnx.classes import class_index
from misure_onnx.errors import TargetError
from misure_onnx.target import Target
from tests.test_target import CAR, resolve, spec


@pytest.mark.parametrize(
    "wanted", [1, np.int64(1), np.uint8(1), "1", "car", "Car", "CAR"], ids=lambda w: f"{type(w).__name__}-{w}"
)
def test_a_class_is_named_by_index_or_name_in_any_case(wanted: Any) -> None:
    found = resolve(Target.from_class(wanted))
    assert (found.class_index, found.class_name, found.kind, found.label) == (1, "car", "class", "car")
    assert type(found.class_index) is int
    assert np.array_equal(found.region, CAR)
    assert found.domain.all()
    assert found.notes == ()


def test_a_class_declared_with_a_capital_is_found_without() -> None:
    assert class_index(spec(), "tree") == 4
    assert class_index(spec(), "Tree") == 4


def test_names_that_differ_by_case_are_told_apart_and_the_first_of_several_is_taken() -> None:
    of = spec(["sky", "Car", "car", "car", "7", "5"])
    assert [class_index(of, name) for name in ("car", "Car", "CAR")] == [2, 1, 1]
    assert [class_index(of, name) for name in ("7", "5", "4")] == [4, 5, 4]
    assert class_index(of, 5) == 5


def test_without_names_a_class_is_labelled_by_its_index() -> None:
    found = resolve(Target.from_class(3), spec(None))
    assert (found.class_name, found.label) == (None, "class 3")


@pytest.mark.parametrize("wanted", [5, -1, "5", "-1", "1000", np.int64(5)])
def test_an_index_out_of_range_is_refused_with_the_range(wanted: Any) -> None:
    with pytest.raises(TargetError, match=rf"class {wanted} is out of range; the model has classes 0 to 4"):
        resolve(Target.from_class(wanted))


@pytest.mark.parametrize(
    ("wanted", "message"),
    [
        ("cra", r"class 'cra' is unknown: did you mean car\?"),
        ("Persons", r"class 'Persons' is unknown: did you mean person\?"),
        ("zebra crossing", "the classes are background, car, person, dog, Tree"),
        ("--1", "class '--1' is unknown"),
        ("²", "class '²' is unknown"),
        ("", "class '' is unknown"),
    ],
)
def test_an_unknown_name_is_refused_with_the_nearest_ones(wanted: str, message: str) -> None:
    with pytest.raises(TargetError, match=message):
        resolve(Target.from_class(wanted))


def test_a_name_where_none_are_declared_is_refused() -> None:
    with pytest.raises(TargetError, match=r"'car' was asked for by name, but no class names are declared.*0 to 4"):
        resolve(Target.from_class("car"), spec(None))


def test_a_class_that_is_not_predicted_is_refused_with_those_that_are() -> None:
    present = r"background \(31 pixels\), car \(9 pixels\), person \(5 pixels\), dog \(3 pixels\)$"
    with pytest.raises(TargetError, match=f"Tree is not predicted in this image; predicted are: {present}"):
        resolve(Target.from_class("tree"))
