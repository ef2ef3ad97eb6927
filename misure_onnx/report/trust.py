"""Whether explanations say which predictions are right, where the audit has ground truth."""

from pathlib import Path
from typing import Any

from misure_onnx.audit.table import read_rows
from misure_onnx.errors import InputError
from misure_onnx.reliability.examples import COLUMNS
from misure_onnx.reliability.trained import train

FEATURES, THRESHOLD = "extended", 0.9


def trust(audit: Path, methods: list[str], seed: int = 0) -> list[dict[str, Any]]:
    """A line a method and class: AUCs on groups that were not trained on, or why there is none."""
    return [line for method in methods for line in _of_method(audit, method, seed)]


def _of_method(audit: Path, method: str, seed: int) -> list[dict[str, Any]]:
    try:
        found = train(
            read_rows(audit, COLUMNS), threshold=THRESHOLD, features=FEATURES, method=method, seed=seed
        )  # fmt: skip
    except InputError as error:
        return [{"method": method, "label": None, "note": str(error)}]
    lines: list[dict[str, Any]] = [
        {
            "method": method,
            "label": label,
            "note": None,
            "count": one.count,
            "groups": one.groups,
            "base_rate": one.base_rate,
            "accuracy": one.accuracy,
            "majority_accuracy": one.majority_accuracy,
            "calibration_error": one.calibration_error,
            "auc": {score.name: {"value": score.auc, "interval": score.auc_interval} for score in one.scores},
        }
        for label, one in found.validations.items()
    ]
    return lines + [{"method": method, "label": label, "note": why} for label, why in found.left_out.items()]
