"""Explanations against the model's own confidence, on spoiled Triangle scenes.

    python -m benchmarks.reliability --scenes 80 --work DIR --out benchmarks/results/reliability.json

Every scene is shown as it is and in three degrees of one damage; all four are one group, as a patient's slices are.
Shards in DIR are not computed again.
"""

import argparse
import csv
import json
from importlib.resources import files
from pathlib import Path
from typing import Any

from benchmarks.reliability.scenes import write_scenes
from benchmarks.results_file import write_results
from misure_onnx.api import make_method
from misure_onnx.audit.datasets import load_dataset
from misure_onnx.audit.run import Engine, run_audit
from misure_onnx.audit.settings import AuditSettings
from misure_onnx.audit.table import read_rows
from misure_onnx.machine import describe_machine
from misure_onnx.reliability.trained import train
from misure_onnx.reliability.validation import Score

METHOD = make_method(
    "misure", settings={"iterations": "40", "second_run": "0", "block_checks": "20", "route": "onnx_gradient"}
)
THRESHOLDS = (0.8, 0.9)
SETS = ("paper", "extended", "confidence", "all")


def main() -> None:
    """Audits what is missing, trains, and writes the numbers."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--scenes", type=int, default=80)
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--out", type=Path, default=Path("benchmarks/results/reliability.json"))
    arguments = parser.parse_args()
    listed = write_scenes(arguments.work / "data", arguments.scenes)
    model = str(files("misure_onnx") / "demo" / "triangle.onnx")
    asked = AuditSettings(model, (METHOD,), classes=("1",), maps="none")
    run_audit(load_dataset(listed), asked, arguments.work / "work", engine=Engine("inline"))
    rows = list(read_rows(arguments.work / "work"))
    damages = {row["image"]: row["damage"] for row in csv.DictReader(listed.open(encoding="utf-8"))}
    results = {
        "machine": describe_machine(),
        "method": METHOD.parameters(),
        "scenes": arguments.scenes,
        "predictions": len(rows),
        "explained": sum(row["error"] is None for row in rows),
        "all": {str(threshold): _of(rows, threshold) for threshold in THRESHOLDS},
        "spoiled_only": {
            str(threshold): _of([row for row in rows if damages[row["image"]] != "none"], threshold)
            for threshold in THRESHOLDS
        },
    }
    write_results(arguments.out, results)
    print(json.dumps(results["spoiled_only"], indent=1))


def _of(rows: list[dict[str, Any]], threshold: float) -> dict[str, Any]:
    """Every set of features at one threshold."""
    found: dict[str, Any] = {}
    for features in SETS:
        trained = train(rows, threshold=threshold, features=features)
        (validation,) = trained.validations.values()
        classifier, *others = validation.scores
        found |= {score.name: _numbers(score) for score in others}
        found[features] = {
            **_numbers(classifier),
            "accuracy": validation.accuracy,
            "brier": validation.brier,
            "calibration_error": validation.calibration_error,
            "gain_interval": validation.gain_interval,
        }
        found |= {"count": validation.count, "base_rate": validation.base_rate, "groups": validation.groups}
    return found


def _numbers(score: Score) -> dict[str, Any]:
    return {"auc": score.auc, "auc_interval": score.auc_interval, "area_under_risk": score.area_under_risk}


if __name__ == "__main__":
    main()
