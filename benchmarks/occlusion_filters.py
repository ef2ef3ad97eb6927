"""Occlusion's filter: how do size, colour, shape and the number that is watched change the map?

    python -m benchmarks.occlusion_filters                    # measures what is missing, then draws the figure
    python -m benchmarks.occlusion_filters --triples D15,D14

After Gipiskis and Kurasova (CISTI 2023): a map is judged by its deletion curve, the Dice of the object while the
pixels are replaced by the image's mean colour, most salient first, in steps of equal area. The faster it falls, the
better the map's order. The curve of the deletion of random pixels and that of the predicted object (its pixels in
random order, then the rest) stand beside it. Finished runs are kept in the file.
"""

import argparse
import json
import statistics
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import matplotlib as mpl

mpl.use("Agg")
import numpy as np
from matplotlib.figure import Figure

from benchmarks.results_file import write_results
from benchmarks.shared_data import Triple, triples
from misure_onnx.api import load_segmenter
from misure_onnx.images import load_image
from misure_onnx.machine import describe_machine
from misure_onnx.methods.occlusion import Occlusion
from misure_onnx.methods.progress import silent
from misure_onnx.methods.task import Task
from misure_onnx.perturbation import make_baseline
from misure_onnx.segmenter import CountingSegmenter
from misure_onnx.target import Target
from misure_onnx.types import SaliencyMap

CHOSEN = ("D15", "D14", "D01")
STEPS = 20
SIZES: dict[str, dict[str, Any]] = {
    "5 %": {"patch": 0.05, "stride": 0.99},  # side by side
    "10 %": {"patch": 0.1},
    "20 %": {"patch": 0.2},
}
COLOURS = ("zero", "mean", "blur", "noise", "#000000", "#808080", "#ffffff")
RUNS: dict[str, dict[str, Any]] = {
    **{f"{colour} {size}": {**SIZES[size], "baseline": colour} for size in SIZES for colour in COLOURS},
    **{f"gaussian blur {size}": {**SIZES[size], "baseline": "blur", "shape": "gaussian"} for size in SIZES},
    **{f"{value} 10 %": {"value": value} for value in ("dice", "mean_probability", "mean_score")},
}
"""Parameters on top of the defaults."""


def main() -> None:
    """Runs what is missing, prints medians and draws the figure."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=Path("benchmarks/results/occlusion_filters.json"))
    parser.add_argument("--figure", type=Path, default=Path("docs/occlusion_filters.png"))
    parser.add_argument("--triples", default=",".join(CHOSEN))
    arguments = parser.parse_args()
    rows: dict[str, Any] = (
        json.loads(arguments.out.read_text(encoding="utf-8"))["rows"] if arguments.out.exists() else {}
    )
    by_name = {triple.name: triple for triple in triples()}
    for name in arguments.triples.split(","):
        mine = rows.setdefault(name, {})
        if missing := [run for run in ("random", "predicted object", *RUNS) if run not in mine]:
            task = task_of(by_name[name])
            for run in missing:
                mine[run] = measure(task, run)
                write(arguments.out, rows)
                print(name, run, mine[run]["area_under_deletion"], flush=True)
    write(arguments.out, rows)
    print(json.dumps(summarise(rows), indent=1))
    draw(rows).savefig(arguments.figure, dpi=110)


def task_of(triple: Triple) -> Task:
    """As `Method.explain` would make it."""
    segmenter = CountingSegmenter(load_segmenter(triple.model, triple.preprocessing))
    picture = load_image(triple.image)
    image = segmenter.prepare(picture)
    target = Target.from_class(triple.class_index).resolve(segmenter.spec, segmenter.predict(image), picture.size)
    return Task(segmenter, image, target, 0, segmenter.spec.batch_size, silent)


def measure(task: Task, run: str) -> dict[str, Any]:
    """One map and its deletion curve."""
    before, rng = task.segmenter.forwards, task.rng()
    if run in RUNS:
        found = Occlusion.with_parameters(RUNS[run]).attribute(task)
        saliency, drops = found.saliency, np.array(found.trace["drop"])
        facts = {
            "patches": len(drops),
            "patches_without_effect": float(np.mean(drops == 0)),
            "largest_drop": float(drops.max()),
            "mean_drop": float(drops.mean()),
        }
    else:
        saliency, facts = np.zeros(task.size, np.float32), {}
        if run == "predicted object":
            saliency = task.target.region.astype(np.float32)
    forwards = task.segmenter.forwards - before
    curve = deletion(task, saliency, rng)
    return {"forwards": forwards, **facts, "deletion": curve, "area_under_deletion": float(np.trapezoid(curve) / STEPS)}


def deletion(task: Task, saliency: SaliencyMap, rng: np.random.Generator) -> list[float]:
    """Dice with 0, 1/STEPS, ..., all pixels replaced by the mean colour, most salient first, ties at random."""
    order = np.lexsort((rng.random(saliency.size), -saliency.ravel()))
    rank = np.empty(saliency.size, np.int64)
    rank[order] = np.arange(saliency.size)
    ranks = rank.reshape(saliency.shape)
    masks = (np.asarray(ranks >= round(k / STEPS * saliency.size), np.float32) for k in range(STEPS + 1))
    return [dice for _, dice in task.judged(masks, make_baseline("mean", task.image, rng))]


def summarise(rows: Mapping[str, Any]) -> dict[str, Any]:
    """Medians over the triples that have every run."""
    complete = [row for row in rows.values() if set(RUNS) <= set(row)]
    keys = ("area_under_deletion", "patches_without_effect", "largest_drop", "mean_drop", "forwards")
    return {
        run: {key: statistics.median(row[run][key] for row in complete) for key in keys if key in complete[0][run]}
        for run in ("random", "predicted object", *RUNS)
        if complete
    }


def draw(rows: Mapping[str, Any]) -> Figure:
    """Median deletion curves: one panel a filter size, and one for the numbers that are watched."""
    complete = [row for row in rows.values() if set(RUNS) <= set(row)]
    panels = {
        f"patch {size} of the shorter side": [f"{c} {size}" for c in (*COLOURS, "gaussian blur")] for size in SIZES
    }
    panels["value (zero, 10 %)"] = ["zero 10 %", *(f"{v} 10 %" for v in ("dice", "mean_probability", "mean_score"))]
    figure = Figure(figsize=(15, 6.2), layout="constrained")
    shares = np.linspace(0, 1, STEPS + 1)
    for axes, (title, runs) in zip(figure.subplots(1, len(panels), sharey=True), panels.items(), strict=True):
        for number, run in enumerate([*runs, "random", "predicted object"]):
            curves = [row[run]["deletion"] for row in complete]
            median = np.median(np.array(curves), axis=0)
            area = statistics.median(row[run]["area_under_deletion"] for row in complete)
            style: dict[str, Any] = {"color": "black", "linestyle": ":" if run == "random" else "--"}
            own = {"color": f"C{number}"}
            label = {"zero 10 %": "soft_dice 10 %"}.get(run, run) if title.startswith("value") else run
            axes.plot(shares, median, label=f"{label}: {area:.3f}", **(own if run in RUNS else style))
        axes.set(title=title, xlabel="share of pixels deleted")
        axes.legend(
            fontsize=8,
            ncol=2,
            title="area under the curve",
            title_fontsize=8,
            loc="upper center",
            bbox_to_anchor=(0.5, -0.15),
        )
        axes.grid(visible=True, alpha=0.3)
    figure.axes[0].set_ylabel(f"Dice of the object (median of {len(complete)} triples)")
    return figure


def write(place: Path, rows: Mapping[str, Any]) -> None:
    """The whole document, replaced at once."""
    document = {"machine": describe_machine(), "summary": summarise(rows), "rows": rows}
    write_results(place, document)


if __name__ == "__main__":
    main()
