"""The CUDA path on a machine that has one: first whether it is right, then how fast it is.

    python -m benchmarks.gpu --out benchmarks/results/gpu.json

One command, under ten minutes: where a case would begin after `--limit` seconds it is left out and named. Correctness
is against the same file on the processor: scores, label maps, the mask's gradient, masks scored inside the graph and
outside it, and the default preset's region, judged on the processor. Figures: forwards a second by batch size,
passes a second of the gradient graph, the default preset, the sufficient region, and RISE scored inside and outside
the graph, in float32 and in TF32, each beside the processor's; and how many bare loops an explanation takes. Refused
where CUDA does not load; nothing falls back.
"""

import argparse
import json
import shutil
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.msr_speed.cases import Case, cases, loaded, task_of
from benchmarks.results_file import write_results
from misure_onnx.errors import ProviderError
from misure_onnx.gradients import mask_gradient
from misure_onnx.gradients.base import MaskGradient, MaskProblem, PreservationLoss
from misure_onnx.machine import describe_machine
from misure_onnx.methods.base import Method
from misure_onnx.methods.misure import MiSuRe
from misure_onnx.methods.rise import Rise
from misure_onnx.methods.scoring import Scoring
from misure_onnx.methods.sufficient_region import SufficientRegion
from misure_onnx.methods.task import Task
from misure_onnx.records import Cost
from misure_onnx.types import FloatArray

BATCHES, RISE_MASKS, REPEATS = (1, 2, 4, 8, 16, 32), 500, 5
SCORE_BOUND, AGREEMENT_BOUND, COSINE_BOUND, DICE_BOUND = 1e-3, 0.999, 0.99, 1e-3


def main() -> int:
    """Measures and writes; 2 where there is no GPU, 1 where a result is wrong."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=Path("benchmarks/results/gpu.json"))
    parser.add_argument("--limit", type=float, default=480.0, help="seconds after which no case is begun (480)")
    arguments = parser.parse_args()
    known = cases()
    try:
        loaded(known["bundled"], "cuda")
    except ProviderError as error:
        sys.stderr.write(f"benchmarks.gpu needs a GPU that ONNX Runtime can use; nothing was measured: {error}\n")
        return 2
    rows, left_out, start = dict[str, Any](), list[str](), time.perf_counter()
    for name, case in known.items():
        if time.perf_counter() - start > arguments.limit:
            left_out.append(name)
        else:
            rows[name] = measured(case, "cuda", "cuda-tf32")
            print(name, json.dumps(rows[name]), flush=True)
        document = {"machine": describe_machine(), "device": device(), "rows": rows, "left_out": left_out}
        write_results(arguments.out, document)
    failed = {name: row["wrong"] for name, row in rows.items() if row["wrong"]}
    print(f"wrong: {failed}" if failed else "every check passed")
    return 1 if failed else 0


def device() -> str | None:
    """Name, driver and memory of the first GPU, as its driver's tool says; None where there is no such tool."""
    tool = shutil.which("nvidia-smi")
    if tool is None:
        return None
    asked = [tool, "--query-gpu=name,driver_version,memory.total", "--format=csv,noheader"]
    said = subprocess.run(asked, check=True, capture_output=True, text=True).stdout  # noqa: S603 - found on the path
    return said.splitlines()[0]


def measured(case: Case, provider: str, *others: str) -> dict[str, Any]:
    """Checks of a provider, then figures of it, of others and of the processor."""
    tasks = {name: task_of(case, loaded(case, name)) for name in dict.fromkeys((provider, *others, "cpu"))}
    gradients = {name: _gradient(task) for name, task in tasks.items()}
    checks = correctness(tasks[provider], tasks["cpu"], gradients[provider], gradients["cpu"])
    return {
        "model": case.model.stem,
        "target": tasks["cpu"].target.label,
        "providers": tasks[provider].segmenter.identity.providers_used,
        "checks": checks,
        "wrong": wrong(checks),
        "figures": {name: figures(case, task, gradients[name]) for name, task in tasks.items()},
    }


def correctness(there: Task, here: Task, gradient: MaskGradient, reference: MaskGradient) -> dict[str, float]:
    """How far a provider is from the processor."""
    own, expected = there.segmenter.predict(there.image), here.segmenter.predict(here.image)
    head, masks = here.segmenter.spec.head, _masks(here, 8)
    slopes = [route.evaluate(masks[0]).gradient.ravel() for route in (gradient, reference)]
    inside, outside = (_dice(there, masks, scoring=scoring) for scoring in ("fused", "plain"))
    found = MiSuRe().attribute(there)
    kept = found.region[None].astype(np.float32)
    return {
        "score_difference": float(np.abs(own - expected).max() / np.abs(expected).max()),
        "label_agreement": float((head.labels(own) == head.labels(expected)).mean()),
        "gradient_cosine": float(slopes[0] @ slopes[1] / np.prod([np.linalg.norm(slope) for slope in slopes])),
        "fused_scoring_difference": float(np.abs(inside - outside).max()),
        "dice_difference": float(np.abs(outside - _dice(here, masks, scoring="plain")).max()),
        "region_dice_on_processor": float(here.dice(kept, np.zeros_like(here.image))[0]),
    }


def wrong(checks: Mapping[str, float]) -> list[str]:
    """The checks that are beyond their bounds; one that is no number is."""
    bounds: dict[str, Callable[[float], bool]] = {
        "score_difference": lambda value: value <= SCORE_BOUND,
        "label_agreement": lambda value: value >= AGREEMENT_BOUND,
        "gradient_cosine": lambda value: value >= COSINE_BOUND,
        "fused_scoring_difference": lambda value: value <= DICE_BOUND,
        "dice_difference": lambda value: value <= 1 - AGREEMENT_BOUND,
        "region_dice_on_processor": lambda value: value >= MiSuRe().tau - (1 - AGREEMENT_BOUND),
    }
    return [name for name, holds in bounds.items() if not holds(checks[name])]


def figures(case: Case, task: Task, gradient: MaskGradient) -> dict[str, Any]:
    """Medians, after one run that does not count."""
    mask = _masks(task, 1)[0]
    batches = {size: np.repeat(task.image, size, axis=0) for size in BATCHES}
    forwards = {
        str(size): size / _seconds(lambda images=images: task.segmenter.predict(images))  # type: ignore[misc]
        for size, images in batches.items()
    }
    passes = 1 / _seconds(lambda: gradient.evaluate(mask))
    made = {
        "misure": _explained(case, task, MiSuRe()),
        "sufficient_region": _explained(case, task, SufficientRegion()),
        "rise_plain": _explained(case, task, Rise(masks=RISE_MASKS), "plain"),
        "rise_fused": _explained(case, task, Rise(masks=RISE_MASKS), "fused"),
    }
    bare = {
        name: (cost.forwards - cost.backwards) / max(forwards.values()) + cost.backwards / passes
        for name, (_, cost) in made.items()
    }
    return {
        "forwards_a_second": forwards,
        "passes_a_second": passes,
        "seconds": {name: seconds for name, (seconds, _) in made.items()},
        "over_bare": {name: seconds / bare[name] for name, (seconds, _) in made.items()},
    }


def _explained(case: Case, task: Task, method: Method, scoring: Scoring = "auto") -> tuple[float, Cost]:
    """Seconds of the second explanation of the picture with a loaded model, and what it cost."""
    costs = []

    def explain() -> None:
        made = method.explain(task.segmenter.segmenter, case.picture, case.asked, scoring=scoring)
        costs.append(made.cost)

    return _seconds(explain, repeats=1), costs[-1]


def _gradient(task: Task) -> MaskGradient:
    problem = MaskProblem(task.image, (np.zeros_like(task.image),), task.target, PreservationLoss())
    return mask_gradient("onnx_gradient", task.segmenter, problem)[0]


def _masks(task: Task, count: int) -> FloatArray:
    return np.random.default_rng(0).random((count, *task.size), np.float32)


def _dice(task: Task, masks: FloatArray, *, scoring: str) -> FloatArray:
    zero = np.zeros_like(task.image)
    if scoring == "plain":
        return np.asarray(task.dice(masks, zero))
    scorer = task.segmenter.segmenter.fused_scorer(task.image, task.target)  # type: ignore[attr-defined]
    return np.asarray(scorer.dice(masks, zero))


def _seconds(run: Callable[[], object], repeats: int = REPEATS) -> float:
    taken = []
    for _ in range(repeats + 1):
        start = time.perf_counter()
        run()
        taken.append(time.perf_counter() - start)
    return statistics.median(taken[1:])


if __name__ == "__main__":
    sys.exit(main())
