"""Runs the peers one after the other, judges their maps, and writes the table.

    python -m benchmarks.peers --environments DIR                # makes what is missing there, measures all
    python -m benchmarks.peers --environments DIR --only misure,dianna
    python -m benchmarks.peers --docs docs/peers.md              # measures nothing: writes the table

Every peer gets the bundled model with the Dice of one object as its score, the same image, masks, cells, keep
probability and batch, one thread, and hides pixels by zero. Costs are processor time and wall time of one map, after
the library is loaded, beside a loop of the same backend in the same process with nothing around its forwards. What
2000 plain masks would cost is what so many cost, in proportion; the surrogate has their error with 500 on this object
(`benchmarks/results/rise_forwards.json`).
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.machine import describe_machine
from benchmarks.minimal_regions import with_table
from benchmarks.overhead import Case, cases
from benchmarks.peers.score_head import write_score_model
from benchmarks.rise_forwards import Reference, banked
from misure_onnx.api import make_metrics
from misure_onnx.metrics.agreement import spearman
from misure_onnx.metrics.base import MapCandidate, MapMetric

ROOT = Path(__file__).resolve().parents[2]
MASKS, PLAIN_MASKS, CELLS, KEEP, BATCH = 500, 2000, 7, 0.5, 8
BANK = ROOT / "build" / "rise_forwards" / "bundled.npz"
"""The limit of RISE's maps, as `benchmarks.rise_forwards` has it."""
METRICS, METRIC_SETTINGS = "insertion,restoring_area", {"insertion.draws": "1", "insertion.baselines": "zero"}
COLUMNS = (
    "explainer",
    "forwards",
    "processor time (s)",
    "over its bare loop",
    "to the error of 2000 plain masks (s)",
    "wall (s)",
    "peak MB",
    "rank correlation with the limit",
    "insertion",
    "area for Dice 0.9",
)
MARKERS = ("<!-- table: benchmarks.peers -->", "<!-- end of table -->")


@dataclass(frozen=True)
class Peer:
    """An explainer, its modes and what `pip install` needs for it; nothing: the project's own environment."""

    module: str
    modes: tuple[str, ...]
    install: tuple[tuple[str, ...], ...] = ()


PEERS = {
    "misure": Peer("with_misure", ("cpu-surrogate", "cpu-mean", "openvino-surrogate")),
    "dianna": Peer(
        "with_dianna", ("path", "callable"), (("torch==2.13.0",), ("dianna==1.8.1", "onnxruntime", "torch==2.13.0"))
    ),
    "openvino_xai": Peer("with_openvino_xai", ("default", "f32"), (("openvino-xai==1.1.0",),)),
    "xplique": Peer(
        "with_xplique",
        ("callable",),
        (
            ("tensorflow==2.20.0", "tf_keras<2.21", "tensorflow-probability==0.25.0", "scikit-image<=0.25.2"),
            ("scikit-learn<=1.7.2", "scipy<=1.15.3", "matplotlib", "opencv-python-headless", "onnxruntime"),
            ("deprecated", "einops", "tqdm"),
            ("--no-deps", "xplique==2.0.2"),
        ),
    ),
}


def main() -> None:
    """Measures what is asked for, or writes the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=Path("benchmarks/results/peers.json"))
    parser.add_argument("--environments", type=Path, help="a folder outside the project, for one environment a peer")
    parser.add_argument("--only", default=",".join(PEERS))
    parser.add_argument("--masks", type=int, default=MASKS)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--docs", type=Path, help="measure nothing: write the table into this page")
    arguments = parser.parse_args()
    document = json.loads(arguments.out.read_text(encoding="utf-8")) if arguments.out.exists() else {"rows": {}}
    if arguments.docs:
        page = arguments.docs.read_text(encoding="utf-8")
        arguments.docs.write_text(with_table(page, table(document["rows"]), MARKERS), encoding="utf-8")
        return
    (case,) = cases(names=())
    with tempfile.TemporaryDirectory() as folder:
        job = write_job(case, Path(folder), arguments.masks, arguments.repeats)
        truth = Reference(banked(case, "alone", BANK)).whole
        for name in arguments.only.split(","):
            for mode in PEERS[name].modes:
                row = run(PEERS[name], name, mode, job, arguments.environments)
                document["rows"][f"{name}, {mode}"] = judged(row, case, truth)
                print(name, mode, json.dumps(document["rows"][f"{name}, {mode}"]), flush=True)
                document |= {"masks": arguments.masks, "machine": describe_machine()}
                arguments.out.write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")


def write_job(case: Case, folder: Path, masks: int, repeats: int) -> Path:
    """What the children read; see `job.Job`."""
    write_score_model(case.segmenter, case.task.target, folder / "scored.onnx")
    np.save(folder / "image.npy", case.task.image)
    job = {
        "model": str(folder / "scored.onnx"),
        "image": str(folder / "image.npy"),
        "masks": masks,
        "cells": CELLS,
        "keep": KEEP,
        "batch": BATCH,
        "repeats": repeats,
    }
    place = folder / "job.json"
    place.write_text(json.dumps(job), encoding="utf-8")
    return place


def run(peer: Peer, name: str, mode: str, job: Path, environments: Path | None) -> dict[str, Any]:
    """The child's answer with the place of its map, or its last words."""
    try:
        python = interpreter(peer, name, environments)
    except (subprocess.CalledProcessError, ValueError) as error:
        said = error.stderr.strip().splitlines()[-1] if isinstance(error, subprocess.CalledProcessError) else str(error)
        return {"error": f"not installed: {said}"}
    before = set(job.parent.glob("*.json"))
    command = [str(python), "-m", f"benchmarks.peers.{peer.module}", str(job), mode]
    one_thread = {
        "OMP_NUM_THREADS": "1",
        "PYTHONPATH": str(ROOT),
        "TF_CPP_MIN_LOG_LEVEL": "3",
        "CUDA_VISIBLE_DEVICES": "",
    }
    done = subprocess.run(  # noqa: S603 - our own module
        command, cwd=ROOT, env=os.environ | one_thread, capture_output=True, text=True, check=False
    )
    (written,) = (set(job.parent.glob("*.json")) - before) or (None,)
    if written is None:
        return {"error": (done.stderr.strip().splitlines() or ["no answer"])[-1]}
    answer: dict[str, Any] = json.loads(written.read_text(encoding="utf-8"))
    return answer | {"map": str(written.with_suffix(".npy"))}


def interpreter(peer: Peer, name: str, environments: Path | None) -> Path:
    """Of the peer's environment, which is made where it is missing."""
    if not peer.install:
        return Path(sys.executable)
    if environments is None:
        raise ValueError("--environments DIR was not given")
    place = environments.resolve() / name
    python = place / "bin" / "python"
    if not (place / "installed").exists():
        subprocess.run([sys.executable, "-m", "venv", str(place)], check=True, capture_output=True, text=True)  # noqa: S603
        for packages in peer.install:
            command = [str(python), "-m", "pip", "install", "--quiet", *packages]
            subprocess.run(command, check=True, capture_output=True, text=True)  # noqa: S603
        (place / "installed").touch()
    return python


def judged(row: dict[str, Any], case: Case, truth: Any) -> dict[str, Any]:
    """The row with what its map is worth."""
    if "map" not in row:
        return row
    saliency = np.load(row.pop("map"))
    task = case.task
    candidate = MapCandidate(saliency, case.segmenter, task.image, task.target, task.judged, "zero", task.seed)
    found = {
        name: m.measure(candidate).value
        for name, m in make_metrics(METRICS, METRIC_SETTINGS).items()
        if isinstance(m, MapMetric)
    }
    return row | found | {"spearman_with_reference": spearman(saliency, truth)}


def table(rows: dict[str, Any]) -> str:
    """Markdown, the cheapest first; what did not run at the end."""
    lines = ["| " + " | ".join(COLUMNS) + " |", "|---" * len(COLUMNS) + "|"]
    measured = {name: row for name, row in rows.items() if "error" not in row}
    for name, row in sorted(measured.items(), key=lambda item: item[1]["processor_seconds"]):
        over = row["processor_seconds"] / (row["bare_processor_seconds_a_forward"] * row["forwards"])
        cells = [
            f"{row['forwards']}",
            f"{row['processor_seconds']:.1f}",
            f"{over:.2f}",
            f"{row['processor_seconds'] * (1 if 'surrogate' in name else PLAIN_MASKS / row['forwards']):.1f}",
            f"{row['wall_seconds']:.1f}",
            f"{row['peak_mb_above_bare']:.0f}" if "peak_mb_above_bare" in row else "",
            f"{row['spearman_with_reference']:.3f}",
            f"{row['insertion']:.3f}",
            f"{row['restoring_area']:.2f}",
        ]
        lines.append(f"| {name} ({row['version']}) | " + " | ".join(cells) + " |")
    lines += [f"| {name} | {row['error']} |" + " |" * 7 for name, row in rows.items() if "error" in row]
    return "\n".join(lines)


if __name__ == "__main__":
    main()
