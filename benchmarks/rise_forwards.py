"""How many forwards does RISE need, and what does each way to save some bring?

    python -m benchmarks.rise_forwards                       # measures; `build/rise_forwards` keeps all answers
    python -m benchmarks.rise_forwards --scheme "surrogate in two steps"   # of it alone
    python -m benchmarks.rise_forwards --docs docs/rise.md   # measures nothing: writes the table

What all schemes estimate is the covariance of Dice and visibility; the reference is its mean over all masks that
were drawn alone, but the scheme's own. The error of a map is the root mean square of its difference from the
reference, as a share of the reference's standard deviation, with the reference's own error (known from two halves of
it) taken off in squares. Forwards needed: where the error, interpolated between sizes on logarithmic axes, is that of
the plain mean of 2000 masks.

"""

import argparse
import json
import math
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from benchmarks.overhead import Case, cases
from benchmarks.page_table import write_table
from benchmarks.rise_schemes import (
    CELLS,
    DESIGNS,
    SCHEMES,
    Sample,
    Values,
    learned_kernel,
    linear,
    mean,
    one_kernel,
    surrogate,
)
from misure_onnx.api import make_metrics
from misure_onnx.machine import describe_machine
from misure_onnx.methods.places import dice_and_places
from misure_onnx.methods.random_masks import RandomMasks
from misure_onnx.metrics.agreement import map_agreement
from misure_onnx.metrics.base import MapCandidate, MapMetric
from misure_onnx.perturbation import make_baseline
from misure_onnx.types import SaliencyMap

CASES = ("bundled", "D01", "D14", "D15")
MASKS, SEEDS = {"alone": 12000, "pairs": 2560, "balanced": 2560}, {"alone": 1, "pairs": 3, "balanced": 4}
FEWER = {"D14": 6000}
"""Masks drawn alone where a forward takes longest."""
DESIGNED = ("bundled", "D15")
"""Where the other designs are tried."""
SIZES, REPEATS, PLAIN = (125, 250, 500, 1000, 2000), 6, 2000
MOST_IN_ONE_FIT = 500
"""Of the surrogates without blocks, whose cost grows with the cube."""
METRICS, METRIC_SETTINGS = "insertion,restoring_area", {"insertion.draws": "1", "insertion.baselines": "zero"}
MARKERS = ("<!-- table: benchmarks.rise_forwards -->", "<!-- end of table -->")


def main() -> None:
    """Measures what is missing, or writes the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=Path("benchmarks/results/rise_forwards.json"))
    parser.add_argument(
        "--bank", type=Path, default=Path("build/rise_forwards"), help="answers to all masks are kept here"
    )
    parser.add_argument("--cases", default=",".join(CASES))
    alone = [name for name, (design, _) in SCHEMES.items() if design == "alone"]
    parser.add_argument("--scheme", action="append", choices=alone, help="of these alone, beside what is known")
    parser.add_argument("--sizes", default=",".join(map(str, SIZES)), help="of masks, where --scheme is given")
    parser.add_argument("--docs", type=Path, help="measure nothing: write the table into this page")
    arguments = parser.parse_args()
    document = json.loads(arguments.out.read_text(encoding="utf-8")) if arguments.out.exists() else {"cases": {}}
    if arguments.docs:
        write_table(arguments.docs, table(document["cases"]), MARKERS)
        return
    names = arguments.cases.split(",")
    for case in cases(names=names):
        name = case.name.split()[0]
        if name in names:
            known = document["cases"].get(name) if arguments.scheme else None
            if known is None:
                document["cases"][name] = measure(case, arguments.bank / f"{name}.npz")
                document["machine"] = describe_machine()
            else:
                sizes = tuple(int(size) for size in arguments.sizes.split(","))
                measured = some_schemes(case, arguments.bank / f"{name}.npz", arguments.scheme, sizes)
                document["cases"][name] = known | summarised(known["schemes"] | measured)
            arguments.out.write_text(json.dumps(document, indent=2) + "\n", encoding="utf-8")


def some_schemes(case: Case, bank: Path, names: list[str], sizes: tuple[int, ...]) -> dict[str, Any]:
    """Errors of schemes whose masks are drawn alone."""
    sample = banked(case, "alone", bank)
    reference = Reference(sample)
    return {name: _of_scheme(case, name, {"alone": sample}, reference, sizes) for name in names}


def measure(case: Case, bank: Path) -> dict[str, Any]:
    """Errors of every scheme and size, and the forwards each needs."""
    designs = DESIGNS if case.name.split()[0] in DESIGNED else ("alone",)
    samples = {design: banked(case, design, bank) for design in designs}
    reference = Reference(samples["alone"])
    rows = {
        scheme: _of_scheme(case, scheme, samples, reference)
        for scheme, (design, _) in SCHEMES.items()
        if design in samples
    }
    return {
        "reference": {"masks": len(samples["alone"].dice), "error": reference.error},
        "dice": {"mean": float(samples["alone"].dice.mean()), "deviation": float(samples["alone"].dice.std())},
        **summarised(rows),
        "faithfulness": {
            "mean of 2000": faithfulness(case, samples["alone"], PLAIN, mean),
            "mean of 500": faithfulness(case, samples["alone"], 500, mean),
            "surrogate of 500": faithfulness(case, samples["alone"], 500, surrogate),
        },
    }


def _of_scheme(
    case: Case,
    scheme: str,
    samples: dict[str, Sample],
    reference: "Reference",
    sizes: tuple[int, ...] = SIZES,
) -> dict[str, Any]:
    design, estimate = SCHEMES[scheme]
    sizes = tuple(n for n in sizes if estimate not in (linear, one_kernel, learned_kernel) or n <= MOST_IN_ONE_FIT)
    measured = {str(n): of_size(samples[design], n, estimate, reference) for n in sizes}
    found = {n: row for n, row in measured.items() if row}
    print(case.name, scheme, {n: round(row["error"], 3) for n, row in found.items()}, flush=True)
    return found


def summarised(rows: dict[str, Any]) -> dict[str, Any]:
    """The schemes' errors, and the forwards that each needs."""
    goal = rows["mean"][str(PLAIN)]["error"]
    errors = {scheme: {int(n): r["error"] for n, r in row.items()} for scheme, row in rows.items()}
    return {"schemes": rows, "forwards_needed": {scheme: needed(found, goal) for scheme, found in errors.items()}}


def banked(case: Case, design: str, bank: Path) -> Sample:
    """The masks of a design, judged once and kept."""
    masks = RandomMasks(case.task.size, CELLS, 0.5, "linear")
    rng = np.random.default_rng(SEEDS[design])
    count = FEWER.get(case.name.split()[0], MASKS[design]) if design == "alone" else MASKS[design]
    grids = DESIGNS[design](rng, count)
    twice = 1 if design == "alone" else 2  # pairs share their shift
    shifts = np.stack([rng.integers(0, -(-extent // CELLS), count // twice) for extent in masks.size], axis=1)
    sample = Sample(masks, grids, np.repeat(shifts, twice, axis=0), np.zeros((count, 1)))
    kept = dict(np.load(bank)) if bank.exists() else {}
    if design not in kept:
        baseline = make_baseline("zero", case.task.image, case.task.rng())
        drawn = (sample.mask(index) for index in range(count))
        kept[design] = np.stack([numbers for _, numbers in case.task.answered(drawn, baseline, dice_and_places)])
        bank.parent.mkdir(parents=True, exist_ok=True)
        np.savez(bank, **kept)
    return Sample(masks, sample.grids, sample.shifts, np.asarray(kept[design], np.float64))


class Reference:
    """The plain mean of all masks but some."""

    def __init__(self, sample: Sample) -> None:
        self.sample = sample
        every = np.arange(len(sample.dice))
        halves = [_sums(sample.part(every[start::2])) for start in (0, 1)]
        self._sums = halves[0] + halves[1]
        self.whole = _covariance(self._sums)
        difference = _covariance(halves[0]) - _covariance(halves[1])
        self.error = float(np.sqrt(np.mean(difference**2)) / 2 / self.whole.std())

    def without(self, chosen: npt.NDArray[np.int64]) -> SaliencyMap:
        """(H, W)."""
        return _covariance(self._sums - _sums(self.sample.part(chosen)))


def _sums(sample: Sample) -> Values:
    """(4, H, W): over the masks, of 1, the Dice, visibility, and visibility times Dice."""
    total = np.zeros((4, *sample.masks.size))
    total[0], total[1] = len(sample.dice), sample.dice.sum()
    for index, dice in enumerate(sample.dice):
        mask = sample.mask(index)
        total[2] += mask
        total[3] += dice * mask
    return total


def _covariance(sums: Values) -> SaliencyMap:
    return np.asarray(sums[3] / sums[0] - sums[1] / sums[0] * (sums[2] / sums[0]), np.float32)


def of_size(
    sample: Sample, n: int, estimate: Callable[[Sample], SaliencyMap], reference: Reference
) -> dict[str, float]:
    """Error and rank correlation of maps of n masks, means over repeats on disjoint masks."""
    squares, ranks, count = [], [], min(REPEATS, len(sample.dice) // n)
    for repeat in range(count):
        chosen = np.arange(repeat * n, (repeat + 1) * n)
        truth = reference.without(chosen) if sample is reference.sample else reference.whole
        found = estimate(sample.part(chosen))
        squares.append(float(np.mean((found - truth) ** 2) / truth.var()))
        ranks.append(map_agreement(found, truth))
    if not count:
        return {}
    error = math.sqrt(max(float(np.mean(squares)) - reference.error**2, 0.0))
    return {"error": error, "spearman": float(np.mean(ranks)), "repeats": count}


def needed(errors: dict[int, float], goal: float) -> float | None:
    """Where the error reaches the goal; None: beyond the sizes measured."""
    sizes = sorted(errors)
    for smaller, larger in pairwise(sizes):
        if errors[larger] <= goal:
            if errors[smaller] <= goal:
                return float(smaller)
            share: float = math.log(errors[smaller] / goal) / math.log(errors[smaller] / errors[larger])
            return float(smaller * (larger / smaller) ** share)
    return None


def faithfulness(case: Case, sample: Sample, n: int, estimate: Callable[[Sample], SaliencyMap]) -> dict[str, float]:
    """Insertion by Dice and the area that restores 0.9, medians over three maps."""
    found: dict[str, list[float]] = {}
    for repeat in range(3):
        saliency = estimate(sample.part(np.arange(repeat * n, (repeat + 1) * n)))
        task = case.task
        candidate = MapCandidate(saliency, case.segmenter, task.image, task.target, task.judged, "zero", task.seed)
        for name, metric in make_metrics(METRICS, METRIC_SETTINGS).items():
            if isinstance(metric, MapMetric):
                value = metric.measure(candidate).value
                found.setdefault(name, []).append(float("nan") if value is None else value)
    return {name: float(np.median(values)) for name, values in found.items()}


def table(measured: dict[str, Any]) -> str:
    """Markdown: a row a scheme, a column a model."""
    names = list(measured)
    lines = ["| error at 500 masks / forwards needed | " + " | ".join(names) + " |", "|---" * (len(names) + 1) + "|"]
    for scheme in SCHEMES:
        cells = []
        for name in names:
            row, forwards = measured[name]["schemes"].get(scheme), measured[name]["forwards_needed"].get(scheme)
            if row is None:
                cells.append("")
                continue
            error = f"{row['500']['error']:.2f}" if "500" in row else "-"
            cells.append(f"{error} / {'> ' + max(row, key=int) if forwards is None else round(forwards)}")
        lines.append(f"| {scheme} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


if __name__ == "__main__":
    main()
