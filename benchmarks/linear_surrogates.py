"""Does a LIME-like ridge on superpixels earn its place beside KernelSHAP?

    python -m benchmarks.linear_surrogates

Same superpixels, same forwards, two seeds each. LIME (Ribeiro et al. 2016, arXiv 1602.04938, as its image version
does it): superpixels are kept with probability 1/2, coalitions are weighted by exp(-d^2 / 0.25^2), d their cosine
distance to the full one, and a ridge with penalty 1 is fitted, its intercept free. Measured: the area under the
deletion curve (see occlusion_filters), the correlation between two seeds' maps, and by how much the surrogate
misses the value of the whole image. RISE with as many masks stands beside them: it is what the ridge would add to.
Finished rows are kept in the file.
"""

import argparse
import dataclasses
import json
import statistics
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.linear_model import Ridge

from benchmarks.occlusion_filters import deletion, task_of
from benchmarks.results_file import write_results
from benchmarks.shared_data import triples
from misure_onnx.machine import describe_machine
from misure_onnx.methods.kernel_shap import KernelShap
from misure_onnx.methods.rise import Rise
from misure_onnx.methods.shapley import Float64, sampled, shapley_values
from misure_onnx.methods.superpixels import Labels, superpixels
from misure_onnx.methods.task import Task
from misure_onnx.perturbation import make_baseline
from misure_onnx.types import SaliencyMap

CHOSEN = ("D15", "D14")
BUDGETS = (300, 2176)
_KERNEL_WIDTH = 0.25


def main() -> None:
    """Measures and writes the document."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=Path("benchmarks/results/linear_surrogates.json"))
    parser.add_argument("--triples", default=",".join(CHOSEN))
    arguments = parser.parse_args()
    rows: dict[str, Any] = (
        json.loads(arguments.out.read_text(encoding="utf-8"))["rows"] if arguments.out.exists() else {}
    )
    for triple in (t for t in triples() if t.name in arguments.triples.split(",")):
        mine = rows.setdefault(triple.name, {})
        if any(f"{kind} {budget}" not in mine for kind in ("kernel_shap", "ridge") for budget in BUDGETS):
            mine.update(compare(task_of(triple)))
        for budget in BUDGETS:
            if f"rise {budget}" not in mine:
                mine[f"rise {budget}"] = rise(task_of(triple), budget)
        print(triple.name, json.dumps(mine), flush=True)
    summary = {
        run: {key: statistics.median(row[run][key] for row in rows.values()) for key in first}
        for run, first in next(iter(rows.values())).items()
    }
    document = {"machine": describe_machine(), "summary": summary, "rows": rows}
    write_results(arguments.out, document)
    print(json.dumps(summary, indent=1))


def compare(task: Task) -> dict[str, Any]:
    """Both surrogates at every budget."""
    defaults = KernelShap()
    parts = superpixels(defaults.partition, task.image, defaults.features, defaults.compactness)
    players, found = int(parts.max()) + 1, {}
    empty, full = values_of(task, parts, np.array([[False] * players, [True] * players]))
    for budget in BUDGETS:
        shapley, ridge, missed = [], [], []
        for seed in (0, 1):
            rng = np.random.default_rng(seed)
            pairs = sampled(players, budget // 2, rng)
            shapley.append(shapley_values(pairs, values_of(task, parts, pairs.members) - empty, full - empty))
            fair = rng.random((budget, players)) < 0.5
            fitted = lime(fair, values_of(task, parts, fair))
            ridge.append(fitted.coef_)
            missed.append(float(fitted.predict(np.ones((1, players)))[0] - full))
        found[f"kernel_shap {budget}"] = numbers(task, parts, shapley, 0.0)
        found[f"ridge {budget}"] = numbers(task, parts, ridge, statistics.mean(abs(m) for m in missed))
    return found


def rise(task: Task, budget: int) -> dict[str, float]:
    """Maps of two seeds, in the same numbers."""
    maps = [Rise(masks=budget).attribute(dataclasses.replace(task, seed=seed)).saliency for seed in (0, 1)]
    return {
        "area_under_deletion": statistics.mean(area_under_deletion(task, saliency) for saliency in maps),
        "correlation_of_two_seeds": float(np.corrcoef(maps[0].ravel(), maps[1].ravel())[0, 1]),
    }


def values_of(task: Task, parts: Labels, members: Any) -> Float64:
    """The default value of every coalition."""
    masks = (np.asarray(z[parts], np.float32) for z in members)
    defaults = KernelShap()
    baseline = make_baseline(defaults.baseline, task.image, task.rng())
    return np.array([value for _, value in task.judged(masks, baseline, many=True, value=defaults.value)])


def lime(members: Any, values: Float64) -> Ridge:
    """The weighted ridge."""
    similarity = np.sqrt(members.mean(axis=1))  # cosine between a 0/1 vector and the vector of ones
    weights = np.exp(-np.square(1 - similarity) / _KERNEL_WIDTH**2)
    return Ridge(alpha=1.0).fit(members.astype(np.float64), values, weights)


def numbers(task: Task, parts: Labels, estimates: list[Float64], missed: float) -> dict[str, float]:
    """What is compared; the deletion curve is the mean of both seeds'."""
    return {
        "area_under_deletion": statistics.mean(
            area_under_deletion(task, np.asarray(phi[parts], np.float32)) for phi in estimates
        ),
        "correlation_of_two_seeds": float(np.corrcoef(estimates[0], estimates[1])[0, 1]),
        "missed_value_of_the_whole_image": missed,
    }


def area_under_deletion(task: Task, saliency: SaliencyMap) -> float:
    """By the trapezoid rule."""
    curve = deletion(task, saliency, task.rng())
    return float(np.trapezoid(curve) / (len(curve) - 1))


if __name__ == "__main__":
    main()
