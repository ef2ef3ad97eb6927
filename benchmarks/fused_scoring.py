"""Does scoring inside the graph pay? Time a mask, bytes that cross into and out of the runtime, and equality.

    python -m benchmarks.fused_scoring --out benchmarks/results/fused_scoring.json

Plain: blend in numpy, run the model, compare the classes in numpy. Fused: one run takes masks and gives counts. Both
run one mask after the other with all processors and take turns; the median of the ratios counts. On a GPU
(`--provider cuda`) the same is measured there.
"""

import argparse
import json
import statistics
import sys
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.bare import seconds_of
from benchmarks.overhead import DATA_TRIPLES, Case, cases
from misure_onnx.errors import UnsupportedModel
from misure_onnx.machine import describe_machine
from misure_onnx.mask import MaskGrid
from misure_onnx.perturbation import blend
from misure_onnx.types import FloatArray

MASKS, NHWC_TRIPLE = 16, "D16"


def main() -> None:
    """Measures and prints."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--provider", default="cpu", help="of ONNX Runtime (default: cpu)")
    parser.add_argument("--repeats", type=int, default=9)
    parser.add_argument("--out", type=Path, default=Path("benchmarks/results/fused_scoring.json"))
    arguments = parser.parse_args()
    rows = {}
    for case in cases(arguments.provider, (*DATA_TRIPLES, NHWC_TRIPLE)):
        print(f"measuring {case.name}", file=sys.stderr, flush=True)
        rows[case.name] = measure(case, arguments.repeats)
    document = {"rows": rows, "provider": arguments.provider, "repeats": arguments.repeats}
    document["machine"] = describe_machine()
    arguments.out.write_text(json.dumps(document, indent=2) + "\n", encoding="utf-8")
    print(json.dumps(rows, indent=2))


def measure(case: Case, repeats: int) -> dict[str, Any]:
    """Plain and fused on the same masks."""
    task, size = case.task, case.task.size
    grid = MaskGrid((7, 7), size)
    masks = np.stack([grid.upsample(mask) for mask in np.random.default_rng(0).random((MASKS, 7, 7), np.float32)])
    zero, head = np.zeros_like(task.image), case.segmenter.spec.head
    try:
        scorer = case.segmenter.fused_scorer(task.image, task.target)
    except UnsupportedModel as error:
        return {"refused": str(error)}

    def plain() -> FloatArray:
        found = [
            task.target.dice(
                head.membership(case.segmenter.predict(blend(task.image, m[None], zero)), task.target.class_index)
            )
            for m in masks
        ]
        return np.concatenate(found)

    def fused() -> FloatArray:
        return np.concatenate([scorer.dice(mask[None], zero) for mask in masks])

    difference = float(np.abs(plain() - fused()).max())
    ratios, seconds = [], []
    for _ in range(repeats):
        plain_seconds, fused_seconds = seconds_of(plain), seconds_of(fused)
        ratios.append(fused_seconds / plain_seconds)
        seconds.append(plain_seconds / MASKS)
    classes, pixels = case.segmenter.spec.classes, size[0] * size[1]
    return {
        "largest_dice_difference": difference,
        "fused_over_plain": statistics.median(ratios),
        "plain_milliseconds_a_mask": 1e3 * statistics.median(seconds),
        "bytes_a_mask": {"plain": 4 * pixels * (task.image.shape[1] + classes), "fused": 4 * pixels + 12},
    }


if __name__ == "__main__":
    main()
