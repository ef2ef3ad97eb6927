"""What a map is worth: its order of pixels by insertion and restoring area, and how close it is to a reference."""

from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.overhead import Case
from benchmarks.peers.asking import COMPACTNESS, PLAYERS, case_named
from benchmarks.rise_forwards import Reference, banked
from misure_onnx.api import make_metrics
from misure_onnx.methods.kernel_shap import KernelShap
from misure_onnx.metrics.agreement import map_agreement
from misure_onnx.metrics.base import MapCandidate, MapMetric
from misure_onnx.types import SaliencyMap

METRICS, METRIC_SETTINGS = "insertion,restoring_area", {"insertion.draws": "1", "insertion.baselines": "zero"}
LIMIT_BUDGET = 8000
"""Coalitions of the Shapley values that the others are compared with."""


@cache
def limit(kind: str, name: str, bank: Path) -> SaliencyMap:
    """What RISE's mean, or Shapley values, come to: the mean of 12000 masks, and the values of 8000 coalitions."""
    case = case_named(name)
    if kind == "rise":
        return Reference(banked(case, "alone", bank / f"{name}.npz")).whole
    kept = bank / f"{name}-shapley.npy"
    if not kept.exists():
        method = KernelShap(features=PLAYERS, compactness=COMPACTNESS, budget=LIMIT_BUDGET, value="dice")
        kept.parent.mkdir(parents=True, exist_ok=True)
        np.save(kept, method.attribute(case.task).saliency)
    found: SaliencyMap = np.load(kept)
    return found


def worth(saliency: SaliencyMap, case: Case) -> dict[str, float | None]:
    """Insertion by Dice and the area that restores 0.9, hidden pixels zero."""
    task = case.task
    candidate = MapCandidate(saliency, case.segmenter, task.image, task.target, task.judged, "zero", task.seed)
    return {
        name: metric.measure(candidate).value
        for name, metric in make_metrics(METRICS, METRIC_SETTINGS).items()
        if isinstance(metric, MapMetric)
    }


def closeness(saliency: SaliencyMap, reference: SaliencyMap) -> dict[str, Any]:
    """Rank correlation, and noise over signal: what is left of a map after its best straight line on the reference.

    With r the correlation, the map is a * reference + noise, and the noise's standard deviation over that of
    a * reference is sqrt(1 - r^2) / r. It does not ask in what units a map is, or from what level it starts, as
    formulas differ in these; of a mean over n masks it falls with the root of n.
    """
    r = float(np.corrcoef(saliency.ravel(), reference.ravel())[0, 1]) if np.ptp(saliency) > 0 else 0.0
    noise = float(np.sqrt(1 - r**2) / r) if r > 0 else None
    return {"spearman": map_agreement(saliency, reference), "noise_over_signal": noise}
