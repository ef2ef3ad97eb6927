"""Every method on every triple of the data directory: how faithful, how costly, and do they agree?

    python -m benchmarks.methods                              # runs what is missing; `build/methods` keeps the maps
    python -m benchmarks.methods --triples D15,D14
    python -m benchmarks.methods --docs docs/methods.md       # runs nothing: writes table and gallery

Sampled methods get about 500 forwards, optimised ones 100 steps, so that costs are of one order; everything else is at
its defaults. Where forwards are slow (`SLOW`: DeepLab at 513 x 513, the volume) they get a fifth, in the volume a
tenth, and the curves half the steps, in the volume a fifth and no area that restores; such triples have medians of
their own. Faithfulness: Dice explained and area of the binary region; insertion, deletion and the area that restores
the Dice of the map; their yardsticks are rows of their own here. Agreement: Spearman's correlation of the maps of two
methods.
"""

import argparse
import io
import itertools
import json
import statistics
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from PIL import Image

from benchmarks.page_table import write_table
from benchmarks.results_file import write_results
from benchmarks.shared_data import Triple, triples
from misure_onnx.api import load_segmenter, make_method, make_metrics
from misure_onnx.errors import MisureError
from misure_onnx.explanation import Explanation
from misure_onnx.images import load_image
from misure_onnx.machine import describe_machine
from misure_onnx.mask import resize_map
from misure_onnx.methods import METHODS
from misure_onnx.methods.progress import silent
from misure_onnx.methods.task import Task
from misure_onnx.metrics.agreement import map_agreement
from misure_onnx.metrics.base import MapCandidate, MapMetric
from misure_onnx.network_input import in_network_axes
from misure_onnx.rendering.methods_figure import MethodColumn, draw_methods
from misure_onnx.segmenter import CountingSegmenter, Segmenter
from misure_onnx.target import Target

SETTINGS: dict[str, dict[str, str]] = {
    "misure": {"second_run": "0", "iterations": "100"},
    "rise": {"masks": "500", "estimator": "mean"},
    "kernel_shap": {"budget": "500"},
    "lime": {"samples": "500"},
    "meaningful_perturbation": {"iterations": "100"},
    "extremal_perturbation": {"areas": "0.5,1,2"},
    "smooth_grad": {"samples": "25"},
}
SLOW = frozenset({"D02", "D04", "D07", "D10", "D11", "D18"})
VOLUMES = frozenset({"D18"})
SLOW_SETTINGS: dict[str, dict[str, str]] = {
    "misure": {"second_run": "0", "iterations": "50", "block_checks": "20"},
    "rise": {"masks": "100", "estimator": "mean"},
    "occlusion": {"patch": "0.2", "stride": "0.99"},
    "kernel_shap": {"budget": "150"},
    "lime": {"samples": "100"},
    "grid_saliency": {"iterations": "20"},
    "meaningful_perturbation": {"iterations": "20"},
    "extremal_perturbation": {"areas": "1", "iterations": "20"},
    "smooth_grad": {"samples": "5"},
}
VOLUME_SETTINGS: dict[str, dict[str, str]] = SLOW_SETTINGS | {
    "misure": {"second_run": "0", "iterations": "10", "block_checks": "5"},
    "rise": {"masks": "50", "estimator": "mean"},
    "lime": {"samples": "70"},
    "grid_saliency": {"iterations": "10"},
    "meaningful_perturbation": {"iterations": "10"},
    "extremal_perturbation": {"areas": "1", "iterations": "10"},
}
"""A forward of the volume takes more than a second."""
METRICS = "insertion,deletion,restoring_area"
METRIC_SETTINGS = {
    "insertion.baselines": "zero",
    "deletion.baselines": "mean",
    "insertion.draws": "1",
    "deletion.draws": "1",
}
GALLERY, GALLERY_PIXELS = ("D15", "D01"), (1500, 2400)
MARKERS = ("<!-- table: benchmarks.methods -->", "<!-- end of table -->")
SLOW_MARKERS = ("<!-- table: benchmarks.methods, slow triples -->", "<!-- end of the slow triples' table -->")


def main() -> None:
    """Runs what is missing, or writes the page."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=Path("benchmarks/results/methods.json"))
    parser.add_argument("--maps", type=Path, default=Path("build/methods"), help="explanations are kept here")
    parser.add_argument("--triples", help="only these and in this order, e.g. D15,D14")
    parser.add_argument("--methods", default=",".join(METHODS))
    parser.add_argument("--docs", type=Path, help="run nothing: write table and gallery into this page")
    arguments = parser.parse_args()
    document = json.loads(arguments.out.read_text(encoding="utf-8")) if arguments.out.exists() else {}
    rows, agreement = document.get("rows", {}), document.get("agreement", {})
    by_name = {triple.name: triple for triple in triples(volumes=True)}
    if arguments.docs:
        write_page(arguments.docs, rows, by_name, arguments.maps)
        return
    for name in arguments.triples.split(",") if arguments.triples else by_name:
        for method in arguments.methods.split(","):
            key = f"{name} {method}"
            if key not in rows:
                rows[key] = measured(by_name[name], method, arguments.maps / name / method)
                write(arguments.out, rows, agreement)
                print(key, json.dumps(rows[key]), flush=True)
        agreement[name] = agreements(arguments.maps / name)
        write(arguments.out, rows, agreement)


def measured(triple: Triple, name: str, place: Path) -> dict[str, Any]:
    """One explanation, kept, and its numbers; an error that a user would see is a row too."""
    segmenter = load_segmenter(triple.model, triple.preprocessing)
    method = make_method(name, settings=settings_for(triple.name).get(name, {}))
    try:
        found = method.explain(segmenter, triple.loaded(), Target.from_class(triple.class_index))
    except MisureError as error:
        return {"error": str(error)}
    found.save(place)
    return {
        "dice": found.metrics.dice_explained,
        "ratio": found.metrics.perturbation_ratio,
        **of_the_map(found, segmenter, triple),
        "forwards": found.cost.forwards - found.certificate.forwards,
        "backwards": found.cost.backwards,
        "seconds": found.cost.seconds,
        "route": found.provenance.gradient_route,
        "status": found.provenance.status,
    }


def settings_for(triple: str) -> dict[str, dict[str, str]]:
    """What each method gets, by how slow a forward is."""
    if triple in VOLUMES:
        return VOLUME_SETTINGS
    return SLOW_SETTINGS if triple in SLOW else SETTINGS


def curve_settings(triple: str) -> dict[str, str]:
    """How finely insertion and deletion look."""
    if triple not in SLOW:
        return METRIC_SETTINGS
    steps = "4" if triple in VOLUMES else "10"
    return METRIC_SETTINGS | {"insertion.steps": steps, "deletion.steps": steps}


def of_the_map(found: Explanation, segmenter: Segmenter, triple: Triple) -> dict[str, float | None]:
    """The metrics of the map, at the network's size."""
    counting = CountingSegmenter(segmenter)
    image = counting.prepare(triple.loaded())
    target = Target.from_class(triple.class_index).resolve(counting.spec, counting.predict(image), image.shape[2:])
    task = Task(counting, image, target, found.provenance.seed, counting.spec.batch_size, silent)
    baseline = str(found.method.parameters.get("baseline", "zero"))
    saliency = resize_map(in_network_axes(found.saliency, segmenter.spec.preprocessing), task.size)
    candidate = MapCandidate(saliency, segmenter, image, target, task.judged, baseline, task.seed)
    metrics = make_metrics(METRICS, curve_settings(triple.name))
    if triple.name in VOLUMES:
        del metrics["restoring_area"]  # it asks about sixty areas
    return {name: metric.measure(candidate).value for name, metric in metrics.items() if isinstance(metric, MapMetric)}


def agreements(place: Path) -> dict[str, float]:
    """Spearman's correlation of every two maps that are kept for a triple."""
    found = {name: Explanation.load(place / name) for name in METHODS if (place / name / "explanation.json").is_file()}
    return {
        f"{a} {b}": round(map_agreement(found[a].saliency, found[b].saliency), 4)
        for a, b in itertools.combinations(found, 2)
    }


def write(path: Path, rows: Mapping[str, Any], agreement: Mapping[str, Any]) -> None:
    """The document, summary first."""
    document = {
        "machine": describe_machine(),
        "summary": summary(rows),
        "summary_of_slow_triples": summary(rows, slow=True),
        "agreement": agreement,
        "rows": rows,
    }
    write_results(path, document)


def summary(rows: Mapping[str, Any], *, slow: bool = False) -> dict[str, dict[str, float]]:
    """Medians over the triples of each method: those with all samples, or the slow ones."""
    numbers = ("dice", "ratio", "insertion", "deletion", "restoring_area", "forwards", "backwards", "seconds")
    result = {}
    for method in METHODS:
        found = {tuple(key.split()): row for key, row in rows.items() if "error" not in row}
        mine = [row for (triple, name), row in found.items() if name == method and (triple in SLOW) == slow]
        if mine:
            known = {n: [row[n] for row in mine if row.get(n) is not None] for n in numbers}
            result[method] = {"triples": len(mine), **{n: statistics.median(v) for n, v in known.items() if v}}
    return result


def write_page(page: Path, rows: Mapping[str, Any], by_name: Mapping[str, Triple], maps: Path) -> None:
    """Tables and gallery."""
    for slow, markers in ((False, MARKERS), (True, SLOW_MARKERS)):
        write_table(page, table(summary(rows, slow=slow)), markers)
    for name in GALLERY:
        if not (maps / name).is_dir():
            print(f"{maps / name}: its maps are not kept here, and its picture stays as it is")
            continue
        picture = Image.open(io.BytesIO(gallery(by_name[name], maps / name))).convert("RGB")
        picture.thumbnail(GALLERY_PIXELS)
        picture.save(page.with_name(f"methods-{name}.jpg"), quality=82)


def table(medians: Mapping[str, Mapping[str, float]]) -> str:
    """A line a method, in Markdown."""
    columns = ["method", "triples", "Dice of the region", "its area / object", "insertion ↑", "deletion ↓"]
    columns += ["restoring area ↓", "forwards", "backwards", "seconds"]
    lines = [f"| {' | '.join(columns)} |", "|---" * len(columns) + "|"]
    for method, found in medians.items():
        shown = [
            f"{found[n]:.2f}" if n in found else "-"
            for n in ("dice", "ratio", "insertion", "deletion", "restoring_area")
        ]
        costs = [f"{found[n]:.0f}" for n in ("forwards", "backwards", "seconds")]
        lines.append(f"| `{method}` | {found['triples']} | " + " | ".join([*shown, *costs]) + " |")
    return "\n".join(lines)


def gallery(triple: Triple, place: Path) -> bytes:
    """Every method that is kept for a triple, side by side."""
    kept = {m: Explanation.load(place / m) for m in METHODS if (place / m / "explanation.json").is_file()}
    drawn = [MethodColumn(method, e.saliency, e.minimal_region, _numbers(e)) for method, e in kept.items()]
    first = next(iter(kept.values()))
    return draw_methods(load_image(triple.image).rgb, first.prediction, first.target.label, drawn)


def _numbers(explanation: Explanation) -> str:
    metrics = explanation.metrics
    return f"Dice {metrics.dice_explained:.2f}, {metrics.perturbation_ratio:.2f} x its area"


if __name__ == "__main__":
    main()
