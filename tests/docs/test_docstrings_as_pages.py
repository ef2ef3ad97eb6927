"""Docstrings are plain text: what Sphinx would take for marks is written as it stands."""

import pytest

pytest.importorskip("sphinx", reason="the group docs is not installed (make install does)")

from docs.building.docstrings import named_arrays, one_name_an_entry, restructured


def test_an_indented_formula_becomes_a_literal_block_and_is_not_escaped() -> None:
    lines = ["Text.", "", "    S(u) = |z| * g_", "", "More * text_ of |z|."]
    assert restructured(lines) == [
        "Text.", "", "::", "", "    S(u) = |z| * g_", "", r"More \* text\_ of \|z\|.",
    ]  # fmt: skip


def test_code_in_backticks_and_names_with_underscores_stay() -> None:
    assert restructured(["`a_|b|*` and mask_size"]) == ["``a_|b|*`` and mask_size"]


def test_the_entries_of_a_section_are_no_formulas() -> None:
    lines = ["Text.", "", "Attributes:", "    a: one", "        more."]
    assert restructured(lines) == lines


def test_two_names_before_one_colon_become_two_entries() -> None:
    lines = ["Attributes:", "    a, b: both", "        of them.", "    c: one."]
    assert one_name_an_entry(lines) == [
        "Attributes:", "    a: both", "        of them.", "    b: both", "        of them.", "    c: one.",
    ]  # fmt: skip


def test_arrays_have_the_names_of_the_library() -> None:
    spelt = "(mask: ~numpy.ndarray[tuple[~typing.Any, ...], ~numpy.dtype[~numpy.float32]])"
    assert named_arrays(spelt) == "(mask: FloatArray)"
