"""The committed results of the paper's experiments, the page made of them, and the tables' arithmetic."""

from pathlib import Path

import pytest

from benchmarks.paper import tables
from benchmarks.paper.differences import difference, reason
from benchmarks.paper.page import page_text
from benchmarks.paper.published import GRIDS, TABLE_1, TABLE_6, Published
from benchmarks.paper.results import Results
from benchmarks.paper.settings import GRID, OBJECTS, PAPER, READINGS, SIZES
from benchmarks.paper.settings import TABLE_1 as TABLE_1_SETTINGS

ROOT = Path(__file__).resolve().parents[2]
RESULTS = ROOT / "benchmarks" / "results"


SEES, FILLS_IN = "paper_triangle_unet_small.json", "paper_triangle_unet_small_hidden.json"
NOT_MEASURED = {SEES: {"default", "default tau=0.965"}, FILLS_IN: set[str]()}
"""The default took 100 masks when the first network was measured."""


@pytest.fixture(params=[SEES, FILLS_IN])
def triangle(request: pytest.FixtureRequest) -> Results:
    return Results.read(RESULTS / request.param)


def test_the_page_is_that_of_the_committed_results() -> None:
    page = (ROOT / "docs" / "paper.md").read_text(encoding="utf-8")
    assert page == page_text(RESULTS), "run: python -m benchmarks.paper page"


def test_the_network_was_trained_to_a_dice_of_095_on_600_images(triangle: Results) -> None:
    training = triangle.header["training"]
    assert training["sha256"] == triangle.header["model_sha256"]
    assert training["validation_images"] == 600
    assert training["validation_dice"]["mean"] >= 0.95


def test_every_row_of_tables_1_2_and_6_was_measured(triangle: Results) -> None:
    missing = NOT_MEASURED[triangle.place.name]
    for setting in {*TABLE_1_SETTINGS, *GRID, *SIZES, *READINGS} - missing:
        assert list(triangle.of(setting)), setting
    for setting in set(OBJECTS) - missing:
        assert list(triangle.of(setting, one_object=True)), setting
    assert {"processor", "cores", "versions"} <= set(triangle.machine)


def test_our_regions_hold_what_they_promise(triangle: Results) -> None:
    for setting, tau in (("smooth", 0.9), ("minimal", 0.9), ("minimal route=search", 0.9), ("smooth tau=0.965", 0.965)):
        for _, row in triangle.of(setting):
            assert row["regions"][""]["dice"] > tau, setting


def test_the_papers_tables_agree_where_they_repeat_a_number() -> None:
    for column, cells in GRIDS.items():
        assert cells[0.1, 0.01] == TABLE_6[column][224]
        assert cells[0.1, 0.01].ratio == pytest.approx(TABLE_1[column]["msr"].ratio, rel=0.03)


def test_means_and_medians_are_those_of_the_rows(tmp_path: Path) -> None:
    def row(dice: float, ratio: float, pixels: list[int]) -> dict[str, object]:
        return {
            "regions": {"": {"dice": dice, "dice_soft": 1.0, "ratio": ratio, "object_pixels": pixels}},
            "seconds": 2,
        }

    rows = {
        f"a | {PAPER}": row(0.9, 1.0, [1, 1, 1, 0]),
        f"b | {PAPER}": row(0.6, 2.0, [1, 0, 1, 0]),
        f"c | {PAPER}": row(0.3, 9.0, [1, 1, 1, 5]),
        f"c, one object | {PAPER}": row(0.0, 0.0, [0, 0, 0, 0]),
    }
    results = Results(tmp_path / "results.json", {}, {name.split(" | ")[0]: {} for name in rows}, rows)
    summary = tables.summaries(results, PAPER)[""]
    assert summary["samples"] == 3
    assert summary["dice"] == pytest.approx(0.6)
    assert (summary["ratio"], summary["median_ratio"]) == (4, 2)
    assert (summary["touches_the_three"], summary["touches_the_three_alone"]) == (2, 1)
    assert tables.summaries(results, "rise") == {}


def test_a_difference_is_stated_and_has_a_reason() -> None:
    published = Published(0.965, 0.63)
    assert difference(published, 0.9, 1.26) == "-0.065, x2"
    assert reason(PAPER, published, 0.97, 0.65) == "agrees"
    assert reason("msr 0.1 0.01 56", published, 0.9, 0.3) != reason("rise", published, 0.9, 0.3) != "agrees"


def test_where_a_network_fills_in_our_default_has_the_published_dice_at_less_than_the_published_ratio() -> None:
    results = Results.read(RESULTS / FILLS_IN)
    rows = [row["regions"][""] for _, row in results.of("default tau=0.965")]
    assert len(rows) == 6
    assert min(row["dice"] for row in rows) >= 0.965
    assert sum(row["ratio"] for row in rows) / 6 < 0.63
