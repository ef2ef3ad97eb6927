"""Does the region hold? `misure explain` on every triple of the data directory, with every preset.

    python -m benchmarks.triples --out benchmarks/results/triples.json

Every explanation is made by the command line, as a user would, and judged by what it prints. Finished ones are
kept in the file, so that an interrupted run goes on where it stopped.
"""

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import yaml

from benchmarks.machine import describe_machine
from benchmarks.shared_data import Triple, triples

PRESETS = ("minimal", "smooth", "paper")


def main() -> None:
    """Runs what is missing and prints a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=Path("benchmarks/results/triples.json"))
    parser.add_argument("--presets", default=",".join(PRESETS))
    parser.add_argument("--triples", help="only these, e.g. D01,D08")
    arguments = parser.parse_args()
    rows: dict[str, Any] = (
        json.loads(arguments.out.read_text(encoding="utf-8"))["rows"] if arguments.out.exists() else {}
    )
    for triple in triples():
        if arguments.triples and triple.name not in arguments.triples.split(","):
            continue
        for preset in arguments.presets.split(","):
            key = f"{triple.name} {preset}"
            if key not in rows:
                rows[key] = explain(triple, preset)
                write(arguments.out, rows)
            print(key, rows[key], flush=True)
    write(arguments.out, rows)
    for preset, summary in summarise(rows).items():
        print(preset, summary)


def explain(triple: Triple, preset: str) -> dict[str, Any]:
    """One explanation by the command line; the numbers that matter."""
    with tempfile.TemporaryDirectory() as folder:
        declared = Path(folder) / "preprocessing.yaml"
        declared.write_text(yaml.safe_dump(triple.preprocessing.to_mapping()), encoding="utf-8")
        command = [
            sys.executable, "-m", "misure_onnx.cli", "explain", str(triple.model), str(triple.image),
            "--class", str(triple.class_index), "--preprocess", str(declared), "--preset", preset, "--json",
        ]  # fmt: skip
        finished = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603 - our own command
    if finished.returncode:
        return {"error": finished.stderr.strip(), "exit": finished.returncode}
    document = json.loads(finished.stdout)
    metrics = document["metrics"]
    return {
        "model": triple.model.stem,
        "class": document["target"]["class_name"],
        "sufficient_dice": metrics["sufficient_region"]["dice"],
        "dilations": metrics["sufficient_region"]["dilations"],
        "sufficient_ratio": metrics["sufficient_region"]["ratio"],
        "dice": document["certificate"]["dice"],
        "ratio": metrics["perturbation_ratio"],
        "predicted_mask_dice": metrics["predicted_mask"]["dice_explained"],
        "random_dice": metrics["random_mask"]["dice_explained"],
        "baselines": document["certificate"]["baselines"],
        "fidelity": document["provenance"]["gradient_fidelity"],
        "status": document["provenance"]["status"],
        "cost": document["cost"],
    }


def summarise(rows: dict[str, Any]) -> dict[str, Any]:
    """Share that passes, median ratio and worst Dice of each preset."""
    found: dict[str, Any] = {}
    for preset in PRESETS:
        mine = [row for key, row in rows.items() if key.endswith(f" {preset}") and "error" not in row]
        if mine:
            found[preset] = {
                "explained": len(mine),
                "passes_tau": sum(row["dice"] > 0.9 for row in mine),
                "worst_dice": min(row["dice"] for row in mine),
                "median_ratio": statistics.median(row["ratio"] for row in mine),
                "worst_sufficient_dice": min(row["sufficient_dice"] for row in mine),
                "median_seconds": statistics.median(row["cost"]["seconds"] for row in mine),
            }
    return found


def write(place: Path, rows: dict[str, Any]) -> None:
    """The whole document, replaced at once."""
    document = {"machine": describe_machine(), "summary": summarise(rows), "rows": rows}
    staging = place.with_suffix(".tmp")
    staging.write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")
    staging.replace(place)


if __name__ == "__main__":
    main()
