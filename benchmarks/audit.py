"""How fast does an audit run, on which engine, and does its memory grow with the number of images?

    python -m benchmarks.audit --out benchmarks/results/audit.json

The bundled model on Triangle scenes. Every configuration is a `misure audit` of its own, and they take turns, since
machines are shared and noisy. `seconds` is everything, start of the workers included; `images_per_second` counts from
the first finished shard to the last, which is what a long audit sees.
"""

import argparse
import contextlib
import json
import os
import secrets
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from importlib.resources import files
from pathlib import Path
from typing import Any

from benchmarks.reliability.scenes import write_scenes
from benchmarks.results_file import write_results
from misure_onnx.machine import describe_machine

MODEL = str(files("misure_onnx") / "demo" / "triangle.onnx")
SETTINGS = ("iterations=20", "second_run=0", "block_checks=10", "route=onnx_gradient")
HEAD = "127.0.0.1:26380"
CONFIGURATIONS: dict[str, tuple[str, ...]] = {
    "local, 2 workers of 1 thread": ("--engine", "local", "--workers", "2", "--threads", "1"),
    "local, 1 worker of 2 threads": ("--engine", "local", "--workers", "1", "--threads", "2"),
    "ray on one node, 2 workers of 1 thread": ("--engine", "ray", "--workers", "2", "--threads", "1"),
    "ray on two nodes, 1 worker of 1 thread each": (
        *("--engine", "ray", "--workers", "2", "--threads", "1"),
        *("--ray-address", HEAD),
    ),
}
REFERENCE = "local, 2 workers of 1 thread"


def main() -> None:
    """Measures and writes."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--scenes", type=int, default=6, help="four pictures each")
    parser.add_argument("--turns", type=int, default=3)
    parser.add_argument("--out", type=Path, default=Path("benchmarks/results/audit.json"))
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        listed = write_scenes(place / "data", arguments.scenes)
        turns = [
            {
                name: audit(listed, place / f"{turn}-{number}", options)
                for number, (name, options) in enumerate(CONFIGURATIONS.items())
            }
            for turn in range(arguments.turns)
        ]
        memory = {str(count): peak_memory(place, count) for count in (10, 100, 300)}
    result = {
        "machine": describe_machine(),
        "settings": list(SETTINGS),
        "images": 4 * arguments.scenes,
        "turns": turns,
        "ratios_of_images_per_second": {
            name: statistics.median(
                turn[name]["images_per_second"] / turn[REFERENCE]["images_per_second"] for turn in turns
            )
            for name in CONFIGURATIONS
        },
        "ratios_of_seconds": {
            name: statistics.median(turn[name]["seconds"] / turn[REFERENCE]["seconds"] for turn in turns)
            for name in CONFIGURATIONS
        },
        "peak_memory_mib_by_images": memory,
    }
    write_results(arguments.out, result)
    print(json.dumps({key: result[key] for key in result if key.startswith(("ratios", "peak"))}, indent=1))


@contextlib.contextmanager
def two_nodes() -> Iterator[None]:
    """A Ray of two nodes with one processor each, on this machine; what `ray stop` would end is more than that."""
    port = HEAD.rpartition(":")[2]
    own = ("--num-cpus=1", "--object-store-memory=100000000", "--block", "--disable-usage-stats")
    nodes = [
        ("--head", f"--port={port}", "--include-dashboard=false"),
        (f"--address={HEAD}",),
    ]
    os.environ.update(RAY_AUTH_MODE="token", RAY_AUTH_TOKEN=secrets.token_hex(16))  # of the nodes and of the audits
    started = []
    try:
        for options in nodes:
            command = [
                str(Path(sys.executable).with_name("ray")),
                "start",
                "--node-ip-address=127.0.0.1",
                *options,
                *own,
            ]
            started.append(subprocess.Popen(command, stdout=subprocess.DEVNULL, start_new_session=True))  # noqa: S603 - our own command
            time.sleep(10)
        yield
    finally:
        for process in reversed(started):
            os.killpg(process.pid, signal.SIGTERM)
            process.wait()


def command(listed: Path, out: Path, *options: str) -> list[str]:
    """An audit of a list of pictures."""
    return [
        *(sys.executable, "-m", "misure_onnx.cli", "audit", str(listed), "--model", MODEL, "--class", "1"),
        *("--out", str(out), "--maps", "none", "--json", *options),
    ]


def audit(listed: Path, out: Path, options: tuple[str, ...]) -> dict[str, float]:
    """Seconds of a whole audit, and images a second once it is running."""
    settings = [part for setting in SETTINGS for part in ("--set", setting)]
    nodes = two_nodes() if HEAD in options else contextlib.nullcontext()
    with nodes:
        ended = subprocess.run(command(listed, out, *settings, *options), capture_output=True, text=True, check=True)  # noqa: S603 - our own command
    record: dict[str, Any] = json.loads(ended.stdout)
    times = sorted(file.stat().st_mtime for file in (out / "shards").glob("*/*.json"))
    return {"seconds": record["run"]["seconds"], "images_per_second": (len(times) - 1) / (times[-1] - times[0])}


def peak_memory(place: Path, count: int) -> float:
    """MiB of the one process of an audit of so many pictures, with a method that costs two forwards."""
    listed = write_scenes(place / f"memory-{count}", count // 4 + 1)
    lines = listed.read_text(encoding="utf-8").splitlines()
    listed.write_text("\n".join(lines[: count + 1]) + "\n", encoding="utf-8")
    options = ("--engine", "inline", "--method", "predicted_mask")
    with (place / "output").open("w") as sink:
        process = subprocess.Popen(command(listed, place / f"memory-out-{count}", *options), stdout=sink)  # noqa: S603 - our own command
        _, status, used = os.wait4(process.pid, 0)
    if status != 0:
        raise RuntimeError(f"an audit of {count} pictures failed")
    return round(used.ru_maxrss / 1024, 1)


if __name__ == "__main__":
    main()
