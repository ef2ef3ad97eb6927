"""Does a region hold what is known to matter? Every method on the bundled Triangle model.

    python -m benchmarks.triangle_regions --scenes 12 --out benchmarks/results/triangle_regions.json

Three of a scene's objects form the figure and are the foreground, five distractors are not: only their places tell
them apart. Asked about *one* of the three, a region has to touch all three and needs no distractor. That is true of
scenes in which the model loses the object when either of the other two is removed; others are counted and left out.
Scenes are those the model was validated on. Finished ones are kept in the file.
"""

import argparse
import json
import statistics
from collections.abc import Iterator
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.datasets.triangle import Sample, Triangle, handwritten_digits
from benchmarks.methods import SETTINGS
from benchmarks.page_table import write_table
from benchmarks.results_file import write_results
from misure_onnx.api import load_segmenter, make_method
from misure_onnx.images import load_image
from misure_onnx.machine import describe_machine
from misure_onnx.methods import METHODS as REGISTRY
from misure_onnx.segmenter import Segmenter
from misure_onnx.target import ResolvedTarget, Target

METHODS: dict[str, tuple[str, str | None, dict[str, str]]] = {
    "misure minimal": ("misure", "minimal", {"route": "onnx_gradient", "second_run": "0"}),
    "misure smooth": ("misure", "smooth", {"route": "onnx_gradient", "second_run": "0"}),
    "misure robust": ("misure", "robust", {"route": "onnx_gradient", "second_run": "0"}),
    "misure paper": ("misure", "paper", {"route": "onnx_gradient"}),
    "sufficient_region": ("sufficient_region", None, {}),
    "rise": ("rise", None, {"masks": "300"}),
    **{
        name: (name, None, SETTINGS.get(name, {}))
        for name in REGISTRY
        if name not in ("misure", "sufficient_region", "rise")
    },
}
FIGURE = 3


def main() -> None:
    """Runs what is missing and prints the shares."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--scenes", type=int, default=12)
    parser.add_argument("--out", type=Path, default=Path("benchmarks/results/triangle_regions.json"))
    parser.add_argument("--docs", type=Path, help="run nothing: write the table of --out into this page")
    arguments = parser.parse_args()
    if arguments.docs:
        summary = json.loads(arguments.out.read_text(encoding="utf-8"))["summary"]
        write_table(arguments.docs, markdown_table(summary), MARKERS)
        return
    rows: dict[str, Any] = (
        json.loads(arguments.out.read_text(encoding="utf-8"))["rows"] if arguments.out.exists() else {}
    )
    segmenter = load_segmenter(str(files("misure_onnx") / "demo" / "triangle.onnx"))
    for number, sample in scenes(arguments.scenes):
        known = rows.get(f"scene {number}", {}).get("methods", {})
        if set(METHODS) - set(known):
            rows[f"scene {number}"] = measure(segmenter, sample, known)
            write(arguments.out, rows)
    write(arguments.out, rows)
    for name, summary in summarise(rows)["methods"].items():
        print(name, summary)


def scenes(count: int) -> Iterator[tuple[int, Sample]]:
    """The first validation scenes of the bundled model."""
    recorded = json.loads((files("misure_onnx") / "demo" / "triangle.json").read_text(encoding="utf-8"))
    _, validation = handwritten_digits().split(seed=recorded["settings"]["seed"])
    triangle = Triangle(validation, length=count, seed=recorded["scenes"]["validation"]["seed"])
    return enumerate(triangle)


def measure(segmenter: Segmenter, sample: Sample, known: dict[str, Any]) -> dict[str, Any]:
    """Whether the scene is a fair question, and what each region touches; `known` methods are not run again."""
    picture = np.repeat(np.rint(sample.image * 255).astype(np.uint8)[..., None], 3, axis=2)
    scores = segmenter.predict(segmenter.prepare(load_image(picture)))
    resolved = Target.from_mask(sample.objects == 1, 1).resolve(segmenter.spec, scores, picture.shape[:2])
    without = {
        number: _dice_without(segmenter, picture, sample, number, resolved)
        for number in range(2, int(sample.objects.max()) + 1)
    }
    found = dict(known)
    for name, (method, preset, settings) in METHODS.items():
        if name in known:
            continue
        explanation = make_method(method, preset, settings).explain(segmenter, picture, resolved)
        region = explanation.minimal_region
        touched = sorted(set(np.unique(sample.objects[region]).tolist()) - {0})
        found[name] = {
            "ratio": explanation.metrics.perturbation_ratio,
            "dice": explanation.certificate.dice,
            "passed": explanation.certificate.passed,
            "touched": touched,
            "pixels": [int((region & (sample.objects == number)).sum()) for number in range(sample.objects.max() + 1)],
        }
    return {"dice_without_object": without, "methods": {name: found[name] for name in METHODS}}


def _dice_without(
    segmenter: Segmenter, picture: np.ndarray[Any, Any], sample: Sample, number: int, target: ResolvedTarget
) -> float:
    """Dice of the first object when another one is painted black."""
    changed = np.where(sample.objects[..., None] == number, 0, picture).astype(np.uint8)
    scores = segmenter.predict(segmenter.prepare(load_image(changed)))
    return float(target.dice(segmenter.spec.head.membership(scores, target.class_index))[0])


def fair(row: dict[str, Any]) -> bool:
    """The model needs both other objects of the figure."""
    return all(row["dice_without_object"][str(number)] <= 0.9 for number in range(2, FIGURE + 1))


def summarise(rows: dict[str, Any]) -> dict[str, Any]:
    """Shares over the fair scenes."""
    plain = json.loads(json.dumps(rows))
    chosen = [row for row in plain.values() if fair(row)]
    figure = set(range(1, FIGURE + 1))
    methods = {}
    for name in METHODS:
        mine = [row["methods"][name] for row in chosen if name in row["methods"]]
        if not mine:
            continue
        outside = [sum(m["pixels"][FIGURE + 1 :]) / max(1, sum(m["pixels"][1:])) for m in mine]
        methods[name] = {
            "touches_all_three": sum(figure <= set(m["touched"]) for m in mine) / len(mine),
            "touches_no_distractor": sum(set(m["touched"]) <= figure for m in mine) / len(mine),
            "touches_exactly_the_three": sum(set(m["touched"]) == figure for m in mine) / len(mine),
            "mean_share_of_object_pixels_on_distractors": statistics.mean(outside),
            "sufficient": sum(m["dice"] > 0.9 for m in mine) / len(mine),
            "median_ratio": statistics.median(m["ratio"] for m in mine),
        }
    return {"scenes": len(plain), "fair": len(chosen), "methods": methods}


MARKERS = ("<!-- table: benchmarks.triangle_regions -->", "<!-- end of table: triangle -->")


def markdown_table(summary: dict[str, Any]) -> str:
    """One row a method: counts of scenes, and medians."""
    scenes = summary["fair"]
    columns = "| all three | no distractor | exactly the three | pixels on distractors | sufficient | ratio |"
    lines = [f"| {scenes} scenes {columns}", "|---" * 7 + "|"]
    for name, numbers in summary["methods"].items():
        shares = ("touches_all_three", "touches_no_distractor", "touches_exactly_the_three")
        counts = [str(round(numbers[share] * scenes)) for share in shares]
        counts.append(format(numbers["mean_share_of_object_pixels_on_distractors"], ".1%"))
        counts.append(str(round(numbers["sufficient"] * scenes)))
        lines.append(f"| {name} | " + " | ".join([*counts, format(numbers["median_ratio"], ".2f")]) + " |")
    return "\n".join(lines)


def write(place: Path, rows: dict[str, Any]) -> None:
    """The whole document, replaced at once."""
    document = {"machine": describe_machine(), "summary": summarise(rows), "rows": rows}
    write_results(place, document)


if __name__ == "__main__":
    main()
