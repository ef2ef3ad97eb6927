"""How small does a region get without gradients? Area against forwards, on every triple of the data directory.

    python -m benchmarks.forward_only                         # measures what is missing, then draws the curve
    python -m benchmarks.forward_only --triples D14,D15

Each triple is explained along `search`, along `finite_difference`, and by the gradient of the ONNX graph on a 56x56
grid (the yardstick). One run with the whole budget gives the curve: neither route looks at the budget before it is
spent. Finished runs are kept in the file, so that an interrupted benchmark goes on where it stopped.
"""

import argparse
import json
import statistics
from pathlib import Path
from typing import Any

import matplotlib as mpl

mpl.use("Agg")
from matplotlib.figure import Figure

from benchmarks.results_file import write_results
from benchmarks.shared_data import Triple, triples
from misure_onnx.api import load_segmenter
from misure_onnx.explanation import Explanation
from misure_onnx.machine import describe_machine
from misure_onnx.methods.misure import MiSuRe
from misure_onnx.target import Target

BUDGET = 2000
AT = (25, 50, 100, 150, 250, 350, 500, 700, 1000, 1400, 2000)
RUNS: dict[str, dict[str, Any]] = {
    "search": {"route": "search", "budget": BUDGET},
    "gradient": {"route": "gradient", "mask_size": 56},
    "finite_difference": {"route": "finite_difference", "budget": BUDGET},
}
"""Parameters on top of the preset `minimal`."""
_COLOURS = {"search": "tab:blue", "finite_difference": "tab:orange"}


def main() -> None:
    """Runs what is missing, prints a table and draws the figure."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=Path("benchmarks/results/forward_only.json"))
    parser.add_argument("--figure", type=Path, default=Path("docs/forward_only.png"))
    parser.add_argument("--triples", help="only these, in this order, e.g. D15,D14")
    parser.add_argument("--runs", default=",".join(RUNS))
    arguments = parser.parse_args()
    by_name = {triple.name: triple for triple in triples()}
    rows: dict[str, Any] = (
        json.loads(arguments.out.read_text(encoding="utf-8"))["rows"] if arguments.out.exists() else {}
    )
    for run in arguments.runs.split(","):
        for name in arguments.triples.split(",") if arguments.triples else by_name:
            if run not in rows.get(name, {}):
                rows.setdefault(name, {"model": by_name[name].model.stem})[run] = measure(by_name[name], run)
                write(arguments.out, rows)
                print(name, run, rows[name][run], flush=True)
    write(arguments.out, rows)
    print(json.dumps(summarise(rows), indent=1))
    draw(rows).savefig(arguments.figure, dpi=110)


def measure(triple: Triple, run: str) -> dict[str, Any]:
    """One explanation; the numbers that matter."""
    segmenter = load_segmenter(triple.model, triple.preprocessing)
    method = MiSuRe.from_preset("minimal", **RUNS[run])
    found = method.explain(segmenter, triple.image, Target.from_class(triple.class_index))
    row = {
        "dice": found.certificate.dice,
        "ratio": found.metrics.perturbation_ratio,
        "status": found.provenance.status,
        "route": found.provenance.gradient_route,
        "forwards": found.cost.forwards,
        "seconds": found.cost.seconds,
    }
    return {**row, "curve": curve(found)} if "forwards" in found.trace else row


def curve(found: Explanation) -> dict[str, float]:
    """Perturbation ratio of the smallest region found within so many forwards."""
    stage_1 = found.metrics.sufficient_region
    if stage_1 is None:
        raise ValueError("the explanation has no sufficient region to compare with")
    forwards, area = found.trace["forwards"], found.trace["area"]
    ratio = stage_1.ratio / area[0]
    return {str(n): ratio * [a for f, a in zip(forwards, area, strict=True) if f <= n][-1] for n in AT}


def summarise(rows: dict[str, Any]) -> dict[str, Any]:
    """Medians over the triples that a run has explained, and how many of its regions pass tau."""
    summary: dict[str, Any] = {}
    for run in RUNS:
        mine = [row[run] for row in rows.values() if run in row]
        if mine:
            summary[run] = {
                "explained": len(mine),
                "passes_tau": sum(row["dice"] > 0.9 for row in mine),
                "median_ratio": statistics.median(row["ratio"] for row in mine),
            }
            if "curve" in mine[0]:
                summary[run]["median_curve"] = {
                    str(n): statistics.median(row["curve"][str(n)] for row in mine) for n in AT
                }
    # What every region goes through afterwards (specks, blocks) takes forwards beyond the budget: the curve counts.
    both = [row for row in rows.values() if "search" in row and "gradient" in row]
    if both:
        summary["search_over_gradient"] = {
            "triples": len(both),
            "median_at_the_budget": statistics.median(row["search"]["curve"][str(BUDGET)] for row in both),
            "median_of_the_gradient": statistics.median(row["gradient"]["ratio"] for row in both),
            "median_of_ratios": statistics.median(
                row["search"]["curve"][str(BUDGET)] / row["gradient"]["ratio"] for row in both
            ),
        }
    return summary


def draw(rows: dict[str, Any]) -> Figure:
    """Left: every triple and the median; right: relative to the gradient's region of the same triple."""
    figure = Figure(figsize=(11, 4.2), layout="constrained")
    left, right = figure.subplots(1, 2)
    for run, colour in _COLOURS.items():
        mine = [row for row in rows.values() if run in row]
        if len(mine) < sum("search" in row for row in rows.values()):
            continue  # medians over different triples must not stand side by side
        _lines(left, [[row[run]["curve"][str(n)] for n in AT] for row in mine], run, colour)
        compared = [row for row in mine if "gradient" in row]
        _lines(
            right,
            [[row[run]["curve"][str(n)] / row["gradient"]["ratio"] for n in AT] for row in compared],
            run,
            colour,
        )
    gradient = [row["gradient"]["ratio"] for row in rows.values() if {"gradient", "search"} <= set(row)]
    if gradient:
        left.axhline(statistics.median(gradient), color="black", linestyle="--", label="gradient, 56x56 grid (median)")
    right.axhline(1, color="black", linestyle="--", label="gradient, 56x56 grid")
    left.set(ylabel="perturbation ratio (area over object)")
    right.set(ylabel="area over that of the gradient's region")
    for axes in (left, right):
        axes.set(xscale="log", yscale="log", xlabel="forwards")
        axes.legend(fontsize=8)
        axes.grid(visible=True, which="major", alpha=0.3)
    return figure


def _lines(axes: Any, curves: list[list[float]], label: str, colour: str) -> None:
    """A thin line a triple, a thick one for their median."""
    for values in curves:
        axes.plot(AT, values, color=colour, linewidth=0.6, alpha=0.45)
    if curves:
        median = [statistics.median(values) for values in zip(*curves, strict=True)]
        axes.plot(AT, median, color=colour, linewidth=2.5, label=f"{label} (median of {len(curves)})")


def write(place: Path, rows: dict[str, Any]) -> None:
    """The whole document, replaced at once."""
    document = {"machine": describe_machine(), "summary": summarise(rows), "rows": dict(sorted(rows.items()))}
    write_results(place, document)


if __name__ == "__main__":
    main()
