"""How fast is the default preset of MiSuRe, measured in passes of the network that it explains?

    python -m benchmarks.msr_speed --out benchmarks/results/msr_speed.json
    python -m benchmarks.msr_speed --cases "bundled object,D15" --repeats 5
    python -m benchmarks.msr_speed --docs docs/speed.md         # runs nothing: writes the table

Three things take turns in one process, and medians count, since machines are shared and noisy; the same ratios are told
of processor time:

bare: forward and backward by the image through the torch bridge of the file, and through the network that it was
exported from where that is known; nothing else. The unit of everything below.

library: `MiSuRe().explain`, from the picture to the explanation: both stages, the gradient route and its comparison
with the deployed model, confirmation, blocks, certificate and metrics. `first` is with a model that was just loaded,
`next` is the next explanation with it; `found` is the first one without the two checks that a user may leave out
(`FOUND`: is it minimal, does a second search agree), which a transcription has not; `longer`, in the first turn alone,
is what more masks give (`LONGER`).

transcription: the paper's two stages in plain torch (`transcription.py`), 100 iterations, on the network that was
exported (else on the bridge); its mask is judged by the deployed file as it is (soft) and where it is above 0.
"""

import argparse
import gc
import json
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch

from benchmarks.msr_speed.cases import Case, cases, loaded, task_of
from benchmarks.msr_speed.networks import TorchNetwork, bridge, original
from benchmarks.msr_speed.table import MARKERS, table
from benchmarks.msr_speed.transcription import Question, transcribed
from benchmarks.msr_speed.turns import Turns, ratio
from benchmarks.page_table import write_table
from benchmarks.results_file import write_results
from misure_onnx.explanation import Explanation
from misure_onnx.machine import describe_machine
from misure_onnx.methods.misure import MiSuRe
from misure_onnx.methods.task import Task
from misure_onnx.processors import usable_cores
from misure_onnx.types import Mask

PASSES = 5
"""In a turn of the bare network."""
LONGER = {"iterations": 100, "second_run": 20, "descent": 1.0}
FOUND = {"block_checks": 0, "second_run": 0}
LIBRARY = ("library_first", "library_next")


def main() -> None:
    """Runs what is asked for, or writes the table."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.msr_speed", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--out", type=Path, default=Path("benchmarks/results/msr_speed.json"))
    parser.add_argument("--cases", help="only these, with commas between; the others' rows are kept")
    parser.add_argument("--repeats", type=int, default=3, help="turns, at least 1 (default: 3)")
    parser.add_argument("--docs", type=Path, help="run nothing: write the table of --out into this page")
    arguments = parser.parse_args()
    document = json.loads(arguments.out.read_text(encoding="utf-8")) if arguments.out.exists() else {}
    rows = document.get("rows", {})
    if arguments.docs:
        write_table(arguments.docs, table(rows), MARKERS)
        return
    torch.set_num_threads(usable_cores())
    known = cases()
    for name in arguments.cases.split(",") if arguments.cases else known:
        rows[name] = measured(known[name], arguments.repeats)
        print(name, json.dumps(rows[name]), flush=True)
        write(arguments.out, rows)


def measured(case: Case, repeats: int) -> dict[str, Any]:
    """Medians of the turns, and what came out."""
    segmenter = loaded(case)
    task = task_of(case, segmenter)
    whole, exported = bridge(segmenter), original(segmenter, task.image)
    plain = exported or whole
    question = Question(
        task.target.class_index, segmenter.spec.head.kind, segmenter.spec.head.exclusive, task.target.domain
    )
    gc.freeze()  # else full collections walk through torch's objects, 0.2 s that a user without torch does not pay
    turns = Turns()
    for known in filter(None, (whole, exported)):
        _bare(known, task)  # the first pass of a network costs more than the others
    for turn in range(repeats):
        for name, network in {"bridge": whole, "original": exported}.items():
            if network is not None:
                turns.timed(f"pass_{name}", partial(_bare, network, task), PASSES)
        explain = partial(MiSuRe().explain, loaded(case), case.picture, case.asked)
        for name in LIBRARY:
            found = turns.timed(name, explain)
        fewer = partial(MiSuRe.from_preset("smooth", **FOUND).explain, loaded(case), case.picture, case.asked)
        unchecked = turns.timed("found", fewer)
        if turn == 0:
            method = MiSuRe.from_preset("smooth", **LONGER)
            longer = turns.timed("longer", partial(method.explain, loaded(case), case.picture, case.asked))
        mask = turns.timed("transcription", partial(transcribed, plain.scores, torch.from_numpy(task.image), question))
    return {
        "model": case.model.stem,
        "target": task.target.label,
        "turns": repeats,
        "network_of_transcription": plain.origin,
        "seconds": turns.medians(),
        **_ratios(turns.wall),
        "of_processor_time": _ratios(turns.processor),
        "library": _of_library(found),
        "found": _of_library(unchecked),
        "longer": _of_library(longer),
        "transcription": _of_mask(task, mask),
    }


def _ratios(seconds: dict[str, list[float]]) -> dict[str, Any]:
    """Medians of the turns' own ratios, each to the bare passes of the same turn."""
    units = [name for name in ("pass_bridge", "pass_original") if name in seconds]
    timed = (*LIBRARY, "found", "longer", "transcription")
    return {
        "passes": {f"{name} in {unit}": ratio(seconds, name, unit) for name in timed for unit in units},
        "transcription_over_library": {name: ratio(seconds, "transcription", name) for name in (*LIBRARY, "found")},
    }


def _of_library(found: Explanation) -> dict[str, Any]:
    return {
        "dice": found.metrics.dice_explained,
        "ratio": found.metrics.perturbation_ratio,
        "passed": found.certificate.passed,
        "minimal_at_block_px": found.certificate.minimal_at_block_px,
        "forwards": found.cost.forwards - found.cost.backwards,
        "forwards_with_backwards": found.cost.backwards,
        "route": found.provenance.gradient_route,
    }


def _of_mask(task: Task, mask: Mask) -> dict[str, float]:
    """On the deployed model: of the soft mask, and of the pixels where it is above 0."""
    nothing, region = np.zeros_like(task.image), mask > 0
    return {
        "dice_soft": float(task.dice(mask[None], nothing)[0]),
        "dice": float(task.dice(region[None].astype(np.float32), nothing)[0]),
        "ratio": int(region.sum()) / int(task.target.region.sum()),
    }


def _bare(network: TorchNetwork, task: Task) -> None:
    for _ in range(PASSES):
        image = torch.from_numpy(task.image).requires_grad_()
        scores = network.scores(image)
        scores.backward(torch.ones_like(scores))  # type: ignore[no-untyped-call]


def write(path: Path, rows: Mapping[str, Any]) -> None:
    """The whole document."""
    document = {"machine": describe_machine(), "rows": rows}
    write_results(path, document)


if __name__ == "__main__":
    main()
