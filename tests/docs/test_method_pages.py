"""Every method has a page that answers the same questions."""

import re
from pathlib import Path

import pytest
from PIL import Image

from misure_onnx.methods import METHODS

DOCS = Path(__file__).resolve().parents[2] / "docs"
SECTIONS = ["What it answers", "Formula", "Picture", "Parameters", "Cost", "When to trust it", "When not", "Measured"]

every_method = pytest.mark.parametrize("name", METHODS)


def page_of(name: str) -> str:
    return (DOCS / "methods" / f"{name}.md").read_text(encoding="utf-8")


@every_method
def test_the_page_has_every_section_and_each_says_something(name: str) -> None:
    title, *parts = page_of(name).split("\n## ")
    assert f"`{name}`: {METHODS[name].summary}." in title
    assert [part.splitlines()[0] for part in parts] == SECTIONS
    for part in parts:
        assert len(part.split()) > 8, part.splitlines()[0]


@every_method
def test_the_page_has_a_formula_and_its_source(name: str) -> None:
    formula = page_of(name).split("\n## Formula")[1].split("\n## ")[0]
    assert re.search(r"^\$\$\n.+\n\$\$$", formula, flags=re.MULTILINE | re.DOTALL)
    assert "Source: " in formula


@every_method
def test_the_page_s_tables_are_those_of_its_own_method(name: str) -> None:
    kinds = re.findall(r"<!-- generated: (\w+) (\w+) -->", page_of(name))
    assert kinds == [("parameters", name), ("cost", name), ("measured", name)]


@every_method
def test_the_picture_is_there_small_and_wide_enough(name: str) -> None:
    assert f"](../pictures/{name}.jpg)" in page_of(name)
    place = DOCS / "pictures" / f"{name}.jpg"
    assert place.stat().st_size <= 60_000
    with Image.open(place) as picture:
        assert picture.width >= 1000


def test_the_index_leads_to_every_page_and_no_page_is_left_over() -> None:
    index = (DOCS / "methods/index.md").read_text(encoding="utf-8")
    listed = re.search(r"```\{toctree\}\n:hidden:\n\n(.*?)\n```", index, flags=re.DOTALL)
    assert listed is not None
    assert listed[1].split() == list(METHODS)
    assert {page.stem for page in (DOCS / "methods").glob("*.md")} == {"index", *METHODS}


@every_method
def test_formulas_can_be_drawn_by_browsers(name: str) -> None:
    converter = pytest.importorskip("latex2mathml.converter", reason="the group docs is not installed")
    text = re.sub(r"`[^`]*`", "", page_of(name))
    for formula in re.findall(r"\$\$(.+?)\$\$", text, flags=re.DOTALL) + re.findall(r"(?<!\$)\$([^$]+)\$(?!\$)", text):
        drawn = converter.convert(formula)
        assert drawn.startswith("<math")
        left = re.sub(r"<[^>]+>", "", drawn)
        assert "\\" not in left, f"{formula} has a command that is not known: {left}"
