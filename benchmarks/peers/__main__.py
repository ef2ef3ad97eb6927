"""Runs the peers in turns, judges their maps, and writes the tables.

    python -m benchmarks.peers --environments DIR                     # makes what is missing there, measures all
    python -m benchmarks.peers --environments DIR --object D01 --kinds rise --only misure,dianna --rounds 3
    python -m benchmarks.peers --judge                                # judges the maps that were not judged yet
    python -m benchmarks.peers --docs docs/peers.md                   # measures nothing: writes the tables

Every peer gets the same ONNX file with the Dice of one object as its score, the same image, masks, cells, keep
probability, patches, superpixels and budgets, hides pixels by zero, and runs on one thread of one core, alone in a
process. Rounds go through all rows before a row comes again. Costs are processor time and wall time of one map, after
the library is loaded, beside a loop of the same backend in the same process with nothing around its forwards, and the
memory that the process needs beyond what it needed for that loop. Maps are judged afterwards.
"""

import argparse
import json
import os
import subprocess
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.page_table import write_table
from benchmarks.peers.asking import case_named, write_jobs
from benchmarks.peers.environments import PEERS, NoEnvironment, interpreter
from benchmarks.peers.judging import closeness, limit, worth
from benchmarks.peers.rows import KINDS, Row, rows
from benchmarks.peers.table import tables
from benchmarks.results_file import write_results
from misure_onnx.machine import describe_machine

ROOT = Path(__file__).resolve().parents[2]
MARKERS = ("<!-- table: benchmarks.peers -->", "<!-- end of table -->")
CORE, LONGEST = "0", 600
"""Of the processor, and seconds of one row."""


def main() -> None:
    """Measures what is asked for, or judges it, or writes the tables."""
    arguments = _arguments()
    document = json.loads(arguments.out.read_text(encoding="utf-8")) if arguments.out.exists() else {"objects": {}}
    if arguments.docs:
        write_table(arguments.docs, tables(document["objects"]), MARKERS)
        return
    measured = document["objects"].setdefault(arguments.object, {"rows": {}})["rows"]
    document["machine"] = describe_machine()
    maps = arguments.work / arguments.object

    def keep() -> None:
        write_results(arguments.out, document)

    if arguments.judge:
        judge(measured, arguments.object, maps, arguments.bank)
        keep()
        return
    case = case_named(arguments.object)
    chosen = rows(
        arguments.kinds.split(","),
        arguments.only.split(",") if arguments.only else None,
        torch=arguments.object == "bundled",
    )
    jobs = write_jobs(arguments.object, case, maps, range(arguments.rounds))
    for k, job in enumerate(jobs):
        for row in chosen:
            found = measured.setdefault(row.name, {"runs": []})
            if len(found["runs"]) > k:
                continue
            run = run_row(row, job, arguments.environments)
            print(row.name, json.dumps(run), flush=True)
            if "error" in run:
                measured[row.name] = found | run
            else:
                measured[row.name] = {"runs": [*found["runs"], run]}
            keep()


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=Path("benchmarks/results/peers.json"))
    parser.add_argument("--environments", type=Path, help="a folder outside the project, for one environment a peer")
    parser.add_argument("--work", type=Path, default=ROOT / "build" / "peers", help="jobs and maps are kept here")
    parser.add_argument(
        "--bank", type=Path, default=ROOT / "build" / "rise_forwards", help="of benchmarks.rise_forwards"
    )
    parser.add_argument("--object", default="bundled", help="or a triple of the data directory (default: bundled)")
    parser.add_argument("--kinds", default=",".join(KINDS))
    parser.add_argument("--only", help=f"peers, of {','.join(PEERS)} (default: all)")
    parser.add_argument("--rounds", type=int, default=3, help="runs of every row; those that are known count")
    parser.add_argument("--judge", action="store_true", help="measure nothing: judge the maps")
    parser.add_argument("--docs", type=Path, help="measure nothing: write the tables into this page")
    return parser.parse_args()


def run_row(row: Row, job: Path, environments: Path | None) -> dict[str, Any]:
    """What the child measured, and the name of its map; or its last words."""
    try:
        python = interpreter(row.peer, environments)
    except NoEnvironment as error:
        return {"error": str(error)}
    place = job.parent / f"{row.peer}-{row.mode}-{job.stem}.json"
    place.unlink(missing_ok=True)
    program = [str(python), "-m", f"benchmarks.peers.with_{row.peer}", str(job), row.mode, str(place)]
    alone = {"OMP_NUM_THREADS": "1", "PYTHONPATH": str(ROOT), "TF_CPP_MIN_LOG_LEVEL": "3", "CUDA_VISIBLE_DEVICES": ""}
    done = subprocess.run(  # noqa: S603 - our own module
        ["timeout", str(LONGEST), "taskset", "-c", CORE, *program],  # noqa: S607 - coreutils, util-linux
        cwd=ROOT,
        env=os.environ | alone,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode or not place.exists():
        return {"error": (done.stderr.strip().splitlines() or ["no answer"])[-1]}
    answer: dict[str, Any] = json.loads(place.read_text(encoding="utf-8"))
    return answer | {"map": place.with_suffix(".npy").name}


def judge(measured: dict[str, Any], name: str, maps: Path, bank: Path) -> None:
    """Adds to every run what its map is worth, where that is not known."""
    case = case_named(name)
    for kind_name, kind in KINDS.items():
        runs = [(row, run) for row in kind.rows for run in measured.get(row.name, {}).get("runs", [])]
        if not any("insertion" not in run for _, run in runs):
            continue
        if kind.reference == "limit":
            reference = limit(kind_name, name, bank)
        else:
            reference = np.load(maps / measured[kind.reference]["runs"][0]["map"])
        for row, run in runs:
            if "insertion" not in run:
                saliency = np.load(maps / run["map"])
                run.update(worth(saliency, case) | closeness(saliency, reference))
                print(row.name, json.dumps(run), flush=True)


if __name__ == "__main__":
    main()
