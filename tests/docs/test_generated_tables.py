"""The tables that follow from the code, or from committed results, are those that stand in the pages."""

from pathlib import Path

import pytest

from docs.building.attributes import meanings
from docs.building.tables import KINDS, ROOT, pages, with_tables
from misure_onnx.methods import METHODS


@pytest.mark.parametrize("page", pages(), ids=lambda page: str(page.relative_to(ROOT)))
def test_a_page_has_the_tables_that_the_code_gives(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    assert with_tables(text) == text, "python -m docs.building.tables writes it anew"


def test_every_kind_of_table_stands_in_some_page() -> None:
    written = "".join(page.read_text(encoding="utf-8") for page in pages())
    assert [kind for kind in KINDS if f"<!-- generated: {kind}" not in written] == []


def test_an_old_table_is_replaced() -> None:
    page = "before\n<!-- generated: parameters random -->\nold\n<!-- end of generated -->\nafter"
    written = with_tables(page)
    assert written.startswith("before\n")
    assert written.endswith("<!-- end of generated -->\nafter")
    assert "| `ratio` | `1.0` | area of the region over the object's. |" in written
    assert "old" not in written


def test_a_block_of_an_unknown_kind_is_an_error() -> None:
    with pytest.raises(KeyError):
        with_tables("<!-- generated: nonsense -->\n<!-- end of generated -->")


@pytest.mark.parametrize("name", METHODS)
def test_every_parameter_has_a_meaning_in_the_docstring(name: str) -> None:
    for parameter, meaning in meanings(METHODS[name]).items():
        assert len(meaning) > 3, parameter
