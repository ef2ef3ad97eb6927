"""The paper's tables from the rows of a column: summaries as numbers, and as text."""

import statistics
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from benchmarks.paper.columns import find_column
from benchmarks.paper.differences import difference, reason
from benchmarks.paper.measuring import touches_no_other, touches_the_three
from benchmarks.paper.published import GRIDS, MASK_SIZES, RATES, TABLE_1, TABLE_6, TABLE_7, Published
from benchmarks.paper.reliability import Judged, judged_classes
from benchmarks.paper.results import Results
from benchmarks.paper.settings import OBJECTS, OURS, PAPER, READINGS, msr
from benchmarks.paper.settings import TABLE_1 as TABLE_1_SETTINGS

Summary = dict[str, Any]


def summaries(results: Results, setting: str, *, one_object: bool = False) -> dict[str, Summary]:
    """Means over the objects explained, by threshold ("" where the method has its own region)."""
    pairs = list(results.of(setting, one_object=one_object))
    thresholds = pairs[0][1]["regions"] if pairs else ()
    return {name: _summary([row for _, row in pairs], name) for name in thresholds}


def _summary(rows: Sequence[Mapping[str, Any]], threshold: str) -> Summary:
    regions = [row["regions"][threshold] for row in rows]
    summary: Summary = {
        "samples": len(rows),
        "dice": statistics.mean(region["dice"] for region in regions),
        "ratio": statistics.mean(region["ratio"] for region in regions),
        "median_ratio": statistics.median(region["ratio"] for region in regions),
        "seconds": statistics.mean(row["seconds"] for row in rows),
        "dice_soft": None,
    }
    if all("dice_soft" in region for region in regions):
        summary["dice_soft"] = statistics.mean(region["dice_soft"] for region in regions)
    if all("object_pixels" in region for region in regions):
        summary["touches_the_three"] = sum(map(touches_the_three, regions))
        summary["touches_the_three_alone"] = sum(touches_the_three(r) and touches_no_other(r) for r in regions)
    return summary


def published_column(results: Results) -> str:
    """Whose numbers a column is compared with."""
    return find_column(results.header["dataset"], results.header["model"]).published


def markdown(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A table."""
    lines = [columns, ["---"] * len(columns), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def number(value: float | None) -> str:
    """Three digits for what is small, fewer for what is large; a dash for nothing."""
    if value is None:
        return "-"
    return f"{value:.3f}" if abs(value) < 10 else f"{value:.1f}"


_COLUMNS = (
    "paper: Dice", "paper: ratio", "samples", "Dice explained", "Dice of the soft mask", "ratio", "median ratio",
    "seconds", "difference", "likely reason",
)  # fmt: skip


def _cells(setting: str, published: Published | None, summary: Summary) -> list[str]:
    """The paper's numbers, ours, and how they differ: the Dice of eq. 2 (through the soft mask) where there is one."""
    theirs = [number(published.dice), number(published.ratio)] if published else ["-", "-"]
    names = ("dice", "dice_soft", "ratio", "median_ratio", "seconds")
    ours = [str(summary["samples"]), *(number(summary[name]) for name in names)]
    if published is None:
        return [*theirs, *ours, "-", "-"]
    dice = summary["dice"] if setting in OURS or summary["dice_soft"] is None else summary["dice_soft"]
    compared = (published, dice, summary["ratio"])
    return [*theirs, *ours, difference(*compared), reason(setting, *compared)]


def table_1(results: Results) -> str:
    """Table 1: a row a method and threshold."""
    published = TABLE_1[published_column(results)]
    rows = []
    for setting in TABLE_1_SETTINGS:
        for threshold, summary in summaries(results, setting).items():
            label = f"{setting} {threshold}".strip()
            theirs = published.get("msr" if setting in (PAPER, *OURS) else label)
            rows.append([method_label(setting, threshold), *_cells(setting, theirs, summary)])
    return markdown(["method", *_COLUMNS], rows)


def method_label(setting: str, threshold: str = "") -> str:
    """What a setting is called in tables."""
    if setting == PAPER:
        return "MSR, preset `paper`"
    if setting in OURS:
        preset, _, rest = setting.partition(" ")
        name = {"default": "our default", "smooth": "our default with 100 masks"}.get(preset, f"preset `{preset}`")
        return f"MSR, {name}{f', {rest}' if rest else ''}"
    names = {"seg_grad_cam": "Seg-Grad-CAM", "rise": "RISE"}
    return f"{names.get(setting, setting)} {threshold}".strip()


def grid(results: Results) -> str:
    """Tables 2 to 5: a row a pair of learning rate and lambda."""
    published = GRIDS[published_column(results)]
    pairs = [(rate, weight) for weight in RATES for rate in RATES]
    rows = [
        [f"{weight:g}", f"{rate:g}", *_cells(msr(rate, weight, 224), published[rate, weight], summary)]
        for rate, weight in pairs
        for summary in summaries(results, msr(rate, weight, 224)).values()
    ]
    return markdown(["lambda", "learning rate", *_COLUMNS], rows)


def mask_sizes(results: Results) -> str:
    """Table 6: a row a mask size."""
    published = TABLE_6[published_column(results)]
    rows = [
        [str(size), *_cells(msr(0.1, 0.01, size), published[size], summary)]
        for size in MASK_SIZES
        for summary in summaries(results, msr(0.1, 0.01, size)).values()
    ]
    return markdown(["mask size", *_COLUMNS], rows)


def readings(results: Results) -> str:
    """Eq. 1, and other ways to read it."""
    own = {PAPER: "eq. 1 (preset `paper`)", msr(0.001, 0.01, 224): "eq. 1, learning rate 0.001"}
    published = GRIDS[published_column(results)]
    rows = []
    for setting in (*own, *READINGS):
        slow = setting.endswith("0.001") or setting == msr(0.001, 0.01, 224)
        for summary in summaries(results, setting).values():
            label = own.get(setting, setting.removeprefix("reading: "))
            cells = _cells(setting, published[0.001 if slow else 0.1, 0.01], summary)
            rows.append([label, *cells[:-1]])  # a reading is itself the reason that is tried
    return markdown(["reading", *_COLUMNS[:-1]], rows)


def objects(results: Results) -> str:
    """Whether regions hold the three objects that the answer depends on; asked about one of them."""
    rows = []
    for setting in OBJECTS:
        for threshold, summary in summaries(results, setting, one_object=True).items():
            counts = [str(summary[name]) for name in ("touches_the_three", "touches_the_three_alone")]
            label = method_label(setting, threshold)
            rows.append([label, str(summary["samples"]), *counts, number(summary["dice"]), number(summary["ratio"])])
    return markdown(["method", "scenes", "all three", "the three and no other", "Dice explained", "ratio"], rows)


def reliability(results: Results) -> str:
    """Table 7: a row a class."""
    rows = []
    for name, judged in judged_classes(results):
        published = TABLE_7.get(name)
        theirs = [str(published.samples), number(published.accuracy), number(published.auc)] if published else ["-"] * 3
        rows.append([name, *theirs, *_reliability_cells(judged)])
    columns = ["class", "paper: samples", "paper: accuracy", "paper: AUC"]
    return markdown([*columns, "samples", "Dice > 0.9", "accuracy", "AUC", "Brier score"], rows)


def _reliability_cells(judged: Judged) -> list[str]:
    numbers = (judged.prevalence, judged.accuracy, judged.auc, judged.brier)
    return [str(len(judged.truth)), *(number(value) for value in numbers)]


TABLES: Mapping[str, Callable[[Results], str]] = {
    "Table 1": table_1,
    "learning rate and lambda (Tables 2 to 5)": grid,
    "Table 6": mask_sizes,
    "Table 7": reliability,
    "How eq. 1 is read": readings,
    "Which objects a region touches": objects,
}


def measured_tables(results: Results) -> Iterator[tuple[str, str]]:
    """Every table that has rows, with its title; the paper judges reliability on Synapse alone."""
    for title, table in TABLES.items():
        if table is reliability and results.header["dataset"] != "synapse":
            continue
        text = table(results)
        if text.count("\n") > 1:
            yield title, text
