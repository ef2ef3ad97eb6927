"""100,000 broken inputs through every door.

    python -m benchmarks.fuzz --inputs 100000
    python -m benchmarks.fuzz --docs docs/robustness.md     # runs nothing

Each batch runs in a process of its own with a limit on memory, so that what kills a process is a finding too. Findings:
anything but an answer or a refusal in a sentence; more than the time limit; a file outside the folder for output.
"""

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from benchmarks.fuzz.doors import DOORS
from benchmarks.page_table import write_table
from benchmarks.results_file import write_results
from misure_onnx.machine import describe_machine

ROOT = Path(__file__).resolve().parents[2]
MARKERS = ("<!-- table: benchmarks.fuzz -->", "<!-- end of table -->")
BATCH, SECONDS, MEMORY = 500, 20.0, 8 * 2**30


def main() -> None:
    """Runs what is asked for, and tells."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--inputs", type=int, default=100_000, help="in all")
    parser.add_argument("--door", help="only this one, with all inputs")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path, default=Path("benchmarks/results/fuzz.json"))
    parser.add_argument("--docs", type=Path, help="run nothing: write the table of --out into this page")
    arguments = parser.parse_args()
    if arguments.docs:
        write_table(arguments.docs, table(json.loads(arguments.out.read_text(encoding="utf-8"))), MARKERS)
        return
    chosen = {arguments.door: 1.0} if arguments.door else {name: door.share for name, door in DOORS.items()}
    doors = {name: through(name, round(share * arguments.inputs), arguments.seed) for name, share in chosen.items()}
    document = {"machine": describe_machine(), "seed": arguments.seed, "seconds_limit": SECONDS, "doors": doors}
    write_results(arguments.out, document)


def through(door: str, count: int, seed: int) -> dict[str, Any]:
    """So many broken inputs through one door."""
    total: dict[str, Any] = {"inputs": count, "accepted": 0, "refused": 0, "slowest": 0.0, "findings": []}
    done = 0
    while done < count:
        done = batch(door, seed, done, min(BATCH, count - done), total)
        print(f"{door}: {done} of {count}, {len(total['findings'])} findings", flush=True)
    return total


def batch(door: str, seed: int, first: int, count: int, total: dict[str, Any]) -> int:
    """One process; where it dies, the next one begins after the input that killed it."""
    with tempfile.TemporaryDirectory() as place:
        command = [sys.executable, "-m", "benchmarks.fuzz.worker", door, *map(str, (seed, first, count, SECONDS))]
        ended = subprocess.run(  # noqa: S603 - our own command
            command, cwd=place, capture_output=True, text=True, check=False, preexec_fn=_limited,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
        )  # fmt: skip
        strays = sorted(path.name for path in Path(place).iterdir() if path.name != "out")
    last = first
    complete = False
    for line in ended.stdout.splitlines():
        told = json.loads(line)
        last = told.get("begins", last)
        if "finding" in told:
            total["findings"].append(told)
        if "accepted" in told:
            complete = True
            total["accepted"] += told["accepted"]
            total["refused"] += told["refused"]
            total["slowest"] = max(total["slowest"], told["slowest"])
    if strays:
        total["findings"].append({"finding": first, "what": f"files outside the folder for output: {strays}"})
    if complete:
        return first + count
    what = f"the process ended with {ended.returncode}: {ended.stderr[-500:]}"
    total["findings"].append({"finding": last, "what": what})
    return last + 1


def table(document: dict[str, Any]) -> str:
    """In Markdown."""
    lines = [
        "| input | broken inputs | taken | refused in a sentence | slowest, s | findings |",
        "|---|---|---|---|---|---|",
    ]
    for name, door in document["doors"].items():
        lines.append(
            f"| {name} | {door['inputs']:,} | {door['accepted']:,} | {door['refused']:,} | {door['slowest']:.1f} | "
            f"{len(door['findings'])} |"
        )
    return "\n".join(lines)


def _limited() -> None:
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))


if __name__ == "__main__":
    main()
