"""What does the service cost, and does it lose anything under load?

    python -m benchmarks.service --out benchmarks/results/service.json

Two questions, on the bundled model and image, against `misure serve` in a process of its own.

Overhead: the same explanation by `Method.explain` and `Explanation.save` in a warm process, and by the service, from
the first byte sent to the last byte of the result received. They take turns, since machines are shared and noisy, and
the ratio of each pair is what counts, in seconds and in processor time: of this process, and of the service's two (this
one's part in asking included). Both write their files to the same disk.

Load: many clients submit jobs at the same time, wait, and fetch every result; each job has a seed of its own, and each
submission is sent twice with the same Idempotency-Key, as by a client that lost its connection. A job is lost if it
does not succeed, doubled if the server lists more jobs than there were submissions, and wrong if its map is not the one
that the library gives for its seed.
"""

import argparse
import contextlib
import hashlib
import io
import json
import os
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from importlib.resources import files
from pathlib import Path
from typing import Any

import httpx2
import numpy as np

from benchmarks.results_file import write_results
from misure_onnx.api import load_segmenter, make_method
from misure_onnx.explanation import Explanation
from misure_onnx.images import load_image
from misure_onnx.machine import describe_machine
from misure_onnx.methods.base import Method
from misure_onnx.methods.progress import silent
from misure_onnx.methods.task import Task
from misure_onnx.segmenter import CountingSegmenter, Segmenter
from misure_onnx.target import Target
from misure_onnx.types import SaliencyMap

_DEMO = files("misure_onnx") / "demo"
MODEL, IMAGE, POINT = Path(str(_DEMO / "triangle.onnx")), Path(str(_DEMO / "triangle.png")), (67, 124)
SECONDS_LONG: dict[str, Any] = {"method": "rise", "settings": {"masks": 200}}
QUICK: dict[str, Any] = {"method": "rise", "settings": {"masks": 4}}
PATIENCE = 3600.0


def main() -> None:
    """Measures and writes."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pairs", type=int, default=5, help="explanations by library and service each")
    parser.add_argument("--jobs", type=int, default=200)
    parser.add_argument("--clients", type=int, default=20)
    parser.add_argument("--only", choices=("overhead", "load"), help="measure one again, and keep the other as it is")
    parser.add_argument("--out", type=Path, default=Path("benchmarks/results/service.json"))
    arguments = parser.parse_args()
    result = json.loads(arguments.out.read_text(encoding="utf-8")) if arguments.only else {}
    result["machine"] = describe_machine()
    with tempfile.TemporaryDirectory() as folder, served(Path(folder) / "service", arguments.jobs) as (server, address):
        if arguments.only != "load":
            result["overhead"] = overhead(server, address, Path(folder) / "library", arguments.pairs)
        if arguments.only != "overhead":
            result["load"] = load(address, arguments.jobs, arguments.clients)
    write_results(arguments.out, result)
    print(json.dumps(result, indent=1))


@contextlib.contextmanager
def served(data: Path, jobs: int) -> Iterator[tuple[int, str]]:
    """Process and address of a service that is ready."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    room = ("--queue", str(2 * jobs), "--jobs-per-minute", str(100 * jobs), "--requests-per-minute", "1000000")
    command = [sys.executable, "-m", "misure_onnx.cli", "serve", "--data", str(data), "--port", str(port), *room]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, env={**os.environ, "MISURE_THREADS": "1"})  # noqa: S603 - our own command
    address = f"http://127.0.0.1:{port}"
    try:
        while not _ready(address):
            if process.poll() is not None:
                raise RuntimeError("the service ended by itself")
            time.sleep(0.2)
        yield process.pid, address
    finally:
        process.terminate()
        process.wait()


def _ready(address: str) -> bool:
    try:
        return httpx2.get(f"{address}/health/ready", timeout=60).status_code == 200
    except httpx2.TransportError:
        return False


def overhead(server: int, address: str, place: Path, pairs: int) -> dict[str, Any]:
    """Seconds and processor seconds of both, and the ratios of the pairs; a first pair warms up."""
    segmenter = load_segmenter(MODEL)
    client = httpx2.Client(base_url=address, timeout=PATIENCE)
    turns = list[dict[str, dict[str, float]]]()
    for seed in range(pairs + 1):
        turn = {}
        for who in ("library", "service") if seed % 2 else ("service", "library"):
            asked = None if who == "library" else server
            begun, worked = time.perf_counter(), _processor_seconds(asked)
            if who == "library":
                explained(segmenter, SECONDS_LONG, seed).save(place / str(seed))
            else:
                path = _submitted(client, SECONDS_LONG, seed)
                _ended(client, path)
                client.get(f"{path}/result").raise_for_status()
            seconds = time.perf_counter() - begun
            turn[who] = {"wall": round(seconds, 3), "processor": round(_processor_seconds(asked) - worked, 3)}
        turns.append(turn)
    ratios = {
        clock: sorted(turn["service"][clock] / turn["library"][clock] for turn in turns[1:])
        for clock in ("wall", "processor")
    }
    return {
        "request": SECONDS_LONG,
        "turns": turns[1:],
        "median_ratio": {clock: round(statistics.median(found), 4) for clock, found in ratios.items()},
        "range_of_ratios": {clock: [round(found[0], 4), round(found[-1], 4)] for clock, found in ratios.items()},
    }


def _processor_seconds(server: int | None) -> float:
    """Of this process, and of a server and its workers, so far."""
    pids = ["self"]
    if server is not None:
        pids += [str(server), *Path(f"/proc/{server}/task/{server}/children").read_text(encoding="ascii").split()]
    ticks = 0
    for pid in pids:
        fields = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
        ticks += int(fields[11]) + int(fields[12])  # utime and stime of proc(5)
    return ticks / os.sysconf("SC_CLK_TCK")


def load(address: str, jobs: int, clients: int) -> dict[str, Any]:
    """Counts and latencies."""
    client = httpx2.Client(base_url=address, timeout=PATIENCE)
    before = len(_all(client))
    begun = time.perf_counter()
    with ThreadPoolExecutor(clients) as pool:
        done = list(pool.map(lambda seed: _one_job(_client(address), seed), range(jobs)))
    seconds = time.perf_counter() - begun
    listed = _all(client)[: -before or None]
    segmenter = load_segmenter(MODEL)
    expected = [_digest(map_alone(segmenter, QUICK, seed)) for seed in range(jobs)]
    submitted = {one["path"] for one in done}
    return {
        "request": QUICK,
        "jobs": jobs,
        "clients": clients,
        "lost": sum(one["state"] != "succeeded" for one in done),
        "doubled": len(listed) - len(submitted),
        "distinct": len(submitted),
        "wrong": sum(one["digest"] != right for one, right in zip(done, expected, strict=True)),
        "attempts_above_1": sum(job["attempt"] > 1 for job in listed),
        "seconds": round(seconds, 2),
        "jobs_per_second": round(jobs / seconds, 3),
        "latency_seconds": {
            "accepted": _percentiles([one["accepted"] for one in done]),
            "until_the_result": _percentiles([one["result"] for one in done]),
        },
    }


_CLIENTS = threading.local()


def _client(address: str) -> httpx2.Client:
    """One a thread."""
    if not hasattr(_CLIENTS, "client"):
        _CLIENTS.client = httpx2.Client(base_url=address, timeout=PATIENCE)
    client: httpx2.Client = _CLIENTS.client
    return client


def _one_job(client: httpx2.Client, seed: int) -> dict[str, Any]:
    begun = time.perf_counter()
    path = _submitted(client, QUICK, seed)
    accepted = time.perf_counter() - begun
    if _submitted(client, QUICK, seed) != path:
        raise RuntimeError("the same key gave another job")
    state = _ended(client, path)
    content = client.get(f"{path}/artifacts/saliency.npy").content if state == "succeeded" else b""
    result = time.perf_counter() - begun
    digest = _digest(np.load(io.BytesIO(content))) if content else ""
    return {"path": path, "state": state, "digest": digest, "accepted": accepted, "result": result}


def _submitted(client: httpx2.Client, what: dict[str, Any], seed: int) -> str:
    spec = {"model": "triangle", **what, "target": {"point": list(POINT)}, "seed": seed}
    headers = {"Idempotency-Key": f"{what['settings']} {seed}"}
    image = {"image": ("image.png", IMAGE.read_bytes())}
    answer = client.post("/v1/explanations", files=image, data={"spec": json.dumps(spec)}, headers=headers)
    answer.raise_for_status()
    return str(answer.headers["Location"])


def _ended(client: httpx2.Client, path: str) -> str:
    """The last state that the job's events tell; a stream that is cut off is taken up again."""
    last = 0
    while True:
        with client.stream("GET", f"{path}/events", headers={"Last-Event-ID": str(last)}) as stream:
            for line in stream.iter_lines():
                if line.startswith("id: "):
                    last = int(line[4:])
                if line.startswith("data: ") and (state := json.loads(line[6:]).get("state")) in (
                    "succeeded",
                    "failed",
                    "cancelled",
                ):
                    return str(state)


def _all(client: httpx2.Client) -> list[dict[str, Any]]:
    """Every job that the server knows, the newest first."""
    jobs, path = list[dict[str, Any]](), "/v1/explanations?limit=200"
    while path:
        page = client.get(path).json()
        jobs, path = jobs + page["explanations"], page["next"]
    return jobs


def explained(segmenter: Segmenter, what: dict[str, Any], seed: int) -> Explanation:
    """The library's own answer."""
    return _method(what).explain(segmenter, load_image(IMAGE), Target.at(*POINT), seed=seed)


def map_alone(segmenter: Segmenter, what: dict[str, Any], seed: int) -> SaliencyMap:
    """The same without the certificate; image and network have one size here, so that nothing is resized."""
    image, counting = load_image(IMAGE), CountingSegmenter(segmenter)
    prepared = counting.prepare(image)
    target = Target.at(*POINT).resolve(segmenter.spec, counting.predict(prepared), image.size)
    return _method(what).attribute(Task(counting, prepared, target, seed, 1, silent)).saliency


def _method(what: dict[str, Any]) -> Method:
    return make_method(what["method"], None, {key: str(value) for key, value in what["settings"].items()})


def _digest(saliency: Any) -> str:
    return hashlib.sha256(np.ascontiguousarray(saliency, np.float32).tobytes()).hexdigest()


def _percentiles(seconds: Sequence[float]) -> dict[str, float]:
    return {f"p{share}": round(float(np.percentile(seconds, share)), 3) for share in (0, 50, 90, 95, 99, 100)}


if __name__ == "__main__":
    main()
