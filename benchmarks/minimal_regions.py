"""Are the minimal regions sufficient, minimal and honest? Every preset on every 2-D triple of the data directory.

    python -m benchmarks.minimal_regions --out benchmarks/results/minimal_regions.json

Every region is judged by the certificate of its explanation, which runs the deployed model; the area is counted at
the network's size. Finished explanations are kept in the file, so that an interrupted run goes on where it stopped.
`perimeter` counts the pixel edges between kept and removed pixels (the image's border counts as removed).
"""

import argparse
import json
import statistics
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.page_table import write_table
from benchmarks.results_file import write_results
from benchmarks.shared_data import Triple, triples
from misure_onnx.api import load_segmenter, make_method
from misure_onnx.explanation import Explanation
from misure_onnx.images import load_image
from misure_onnx.machine import describe_machine
from misure_onnx.mask import random_region, resize_region
from misure_onnx.segmenter import Segmenter
from misure_onnx.target import Target
from misure_onnx.types import Region

PRESETS = ("minimal", "smooth", "robust", "paper")
ROUTE = "onnx_gradient"


def main() -> None:
    """Runs what is missing and prints the summary."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=Path("benchmarks/results/minimal_regions.json"))
    parser.add_argument("--presets", default=",".join(PRESETS))
    parser.add_argument("--triples", help="only these and in this order, e.g. D01,D08")
    parser.add_argument("--docs", type=Path, help="run nothing: write the table of --out into this page")
    arguments = parser.parse_args()
    if arguments.docs:
        document = json.loads(arguments.out.read_text(encoding="utf-8"))
        write_table(arguments.docs, markdown_table(document["summary"]), MARKERS)
        return
    by_name = {triple.name: triple for triple in triples()}
    rows: dict[str, Any] = (
        json.loads(arguments.out.read_text(encoding="utf-8"))["rows"] if arguments.out.exists() else {}
    )
    for name in arguments.triples.split(",") if arguments.triples else by_name:
        for preset in arguments.presets.split(","):
            key = f"{name} {preset}"
            if key not in rows:
                rows[key] = explain(by_name[name], preset)
                write(arguments.out, rows)
            print(key, rows[key], flush=True)
    write(arguments.out, rows)
    for preset, summary in summarise(rows).items():
        print(preset, summary)


def explain(triple: Triple, preset: str) -> dict[str, Any]:
    """One explanation and the numbers that matter."""
    segmenter = load_segmenter(triple.model, triple.preprocessing)
    method = make_method("misure", preset, {"route": ROUTE})
    explanation = method.explain(segmenter, triple.image, Target.from_class(triple.class_index))
    document = explanation.to_json()
    certificate, metrics = document["certificate"], document["metrics"]
    region, predicted = at_network_size(explanation, segmenter, triple)
    return {
        "model": triple.model.stem,
        "class": document["target"]["class_name"],
        "ratio": metrics["perturbation_ratio"],
        "sufficient_ratio": metrics["sufficient_region"]["ratio"],
        "dice": certificate["dice"],
        "passed": certificate["passed"],
        "baselines": certificate["baselines"],
        "held_out": certificate["held_out"],
        "minimal_at_block_px": certificate["minimal_at_block_px"],
        "minimality": certificate["minimality"],
        "necessity": certificate["necessity"],
        "silhouette": certificate["silhouette"],
        "stability": certificate["stability"],
        "area": int(region.sum()),
        "perimeter": perimeter(region),
        "object_area": int(predicted.sum()),
        "object_perimeter": perimeter(predicted),
        "predicted_mask_dice": metrics["predicted_mask"]["dice_explained"],
        "random_dice": metrics["random_mask"]["dice_explained"],
        "random_perimeter": perimeter(random_region(int(region.sum()), region.shape, np.random.default_rng(0))),
        "certificate_forwards": certificate["forwards"],
        "cost": document["cost"],
        "status": document["provenance"]["status"],
        "notes": document["provenance"]["notes"],
    }


def at_network_size(explanation: Explanation, segmenter: Segmenter, triple: Triple) -> tuple[Region, Region]:
    """Minimal region and prediction as the network has them: the reported ones are of the image's size."""
    height, width = segmenter.prepare(load_image(triple.image)).shape[2:]
    return (
        resize_region(explanation.minimal_region, (height, width)),
        resize_region(explanation.prediction, (height, width)),
    )


def perimeter(region: Region) -> int:
    """Pixel edges between kept and removed pixels."""
    padded = np.pad(region, 1)
    return int(sum(np.count_nonzero(np.diff(padded, axis=axis)) for axis in (0, 1)))


def summarise(rows: dict[str, Any]) -> dict[str, Any]:
    """Shares and medians a preset, and the two yardsticks of the `minimal` regions' areas."""
    found: dict[str, Any] = {}
    for preset in PRESETS:
        mine = {key.split()[0]: row for key, row in rows.items() if key.endswith(f" {preset}")}
        if mine:
            found[preset] = _summary(list(mine.values()))
            pairs = [(row, rows[f"{name} minimal"]) for name, row in mine.items() if f"{name} minimal" in rows]
            found[preset]["median_perimeter_over_that_of_minimal"] = _median_quotient(pairs, lambda r: r["perimeter"])
            found[preset]["median_perimeter_over_area_over_that_of_minimal"] = _median_quotient(
                pairs, lambda r: r["perimeter"] / max(1, r["area"])
            )
    smooth = [row for key, row in rows.items() if key.endswith(" smooth")]
    if smooth:
        found["predicted_mask"] = _yardstick(smooth, "predicted_mask_dice", "object_perimeter", "object_area")
        found["random_pixels"] = _yardstick(smooth, "random_dice", "random_perimeter", "area")
    return found


def _median_quotient(
    pairs: list[tuple[dict[str, Any], dict[str, Any]]], number: Callable[[dict[str, Any]], float]
) -> float | None:
    """Of a number over that of the other row, which is never 0 for a region with pixels."""
    return statistics.median(number(a) / number(b) for a, b in pairs) if pairs else None


def _summary(rows: list[dict[str, Any]]) -> dict[str, Any]:
    worst = [min(row["baselines"].values()) for row in rows]
    return {
        "explained": len(rows),
        "sufficient": sum(bool(row["passed"]) for row in rows) / len(rows),
        "minimal_shown": sum(row["minimal_at_block_px"] is not None for row in rows) / len(rows),
        "certificate_passed": sum(bool(row["passed"]) and row["minimal_at_block_px"] is not None for row in rows)
        / len(rows),
        "median_ratio": statistics.median(row["ratio"] for row in rows),
        "median_dice": statistics.median(row["dice"] for row in rows),
        "worst_dice": min(row["dice"] for row in rows),
        "median_worst_baseline": statistics.median(worst),
        "share_from_0.9_under_all_baselines": sum(dice >= 0.9 for dice in worst) / len(rows),
        "median_held_out": statistics.median(min(row["held_out"].values()) for row in rows),
        "median_perimeter": statistics.median(row["perimeter"] for row in rows),
        "median_perimeter_over_area": statistics.median(row["perimeter"] / max(1, row["area"]) for row in rows),
        "median_necessity": statistics.median(row["necessity"] for row in rows),
        "median_silhouette": statistics.median(row["silhouette"] for row in rows),
        "median_shift_2px": statistics.median(row["stability"]["shift_2px"] for row in rows),
        "median_jpeg": statistics.median(row["stability"]["jpeg"] for row in rows),
        "median_seconds": statistics.median(row["cost"]["seconds"] for row in rows),
        "median_forwards": statistics.median(row["cost"]["forwards"] for row in rows),
        "median_backwards": statistics.median(row["cost"]["backwards"] for row in rows),
    }


def _yardstick(rows: list[dict[str, Any]], dice: str, perimeters: str, area: str) -> dict[str, Any]:
    return {
        "median_ratio": statistics.median(row[area] / row["object_area"] for row in rows),
        "median_dice": statistics.median(row[dice] for row in rows),
        "share_above_tau": sum(row[dice] > 0.9 for row in rows) / len(rows),
        "median_perimeter": statistics.median(row[perimeters] for row in rows),
        "median_perimeter_over_area": statistics.median(row[perimeters] / max(1, row[area]) for row in rows),
    }


MARKERS = ("<!-- table: benchmarks.minimal_regions -->", "<!-- end of table -->")

_COLUMNS: dict[str, tuple[str, str]] = {
    "triples": ("explained", "d"),
    "sufficient": ("sufficient", ".0%"),
    "minimal": ("minimal_shown", ".0%"),
    "ratio": ("median_ratio", ".3f"),
    "Dice": ("median_dice", ".3f"),
    "worst baseline": ("median_worst_baseline", ".2f"),
    "all five from 0.9": ("share_from_0.9_under_all_baselines", ".0%"),
    "unseen draws": ("median_held_out", ".2f"),
    "perimeter": ("median_perimeter", ".0f"),
    "perimeter / area": ("median_perimeter_over_area", ".2f"),
    "same, over `minimal`'s": ("median_perimeter_over_area_over_that_of_minimal", ".2f"),
    "region removed": ("median_necessity", ".2f"),
    "silhouette": ("median_silhouette", ".2f"),
    "forwards": ("median_forwards", ".0f"),
    "backwards": ("median_backwards", ".0f"),
    "seconds": ("median_seconds", ".0f"),
}


def markdown_table(summary: dict[str, Any]) -> str:
    """One row a preset and yardstick; a dash where a number does not apply."""
    lines = ["| | " + " | ".join(_COLUMNS) + " |", "|---|" + "---|" * len(_COLUMNS)]
    for name, numbers in summary.items():
        cells = [format(numbers[key], form) if numbers.get(key) is not None else "-" for key, form in _COLUMNS.values()]
        label = f"`{name}`" if name in PRESETS else name.replace("_", " ")
        lines.append(f"| {label} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def write(place: Path, rows: dict[str, Any]) -> None:
    """The whole document, replaced at once."""
    document = {"machine": describe_machine(), "route": ROUTE, "summary": summarise(rows), "rows": rows}
    write_results(place, document)


if __name__ == "__main__":
    main()
