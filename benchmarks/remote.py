"""What it costs to ask a model behind a server instead of running its file: every protocol of every server, in turns.

    python -m benchmarks.remote --out benchmarks/results/remote.json
    python -m benchmarks.remote --docs docs/remote.md

The bundled model (224 x 224, a small network: the smaller the network, the more a protocol counts) in this process,
and in real servers on this machine (`benchmarks/servers`), with as many threads each. In-process and remote calls take
turns, and the median of the ratios counts, since machines are shared and noisy.
"""

import argparse
import json
import statistics
import sys
from collections.abc import Callable
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.bare import seconds_of
from benchmarks.page_table import write_table
from benchmarks.servers.environments import NoEnvironment
from benchmarks.servers.starting import Served, serving
from misure_onnx.api import load_segmenter
from misure_onnx.backends.open_inference import OpenInferenceSegmenter, RemoteOptions
from misure_onnx.machine import describe_machine
from misure_onnx.methods.sufficient_region import SufficientRegion
from misure_onnx.processors import usable_cores
from misure_onnx.segmenter import Segmenter
from misure_onnx.target import Target
from misure_onnx.types import Images

SERVERS = ("triton", "kserve", "mlserver", "mlflow")
IMAGES = 8
ONE_OBJECT = Target.at(67, 124)
"""Of the bundled image."""
_DEMO = Path(str(files("misure_onnx") / "demo"))
MARKERS = ("<!-- table: benchmarks.remote -->", "<!-- end of table -->")


def main() -> None:
    """Measures, or writes the table of what was measured."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=Path("benchmarks/results/remote.json"))
    parser.add_argument("--repeats", type=int, default=5, help="turns of each call (default: 5)")
    parser.add_argument("--docs", type=Path, help="run nothing: write the table of --out into this page")
    arguments = parser.parse_args()
    if arguments.docs:
        write_table(arguments.docs, table(json.loads(arguments.out.read_text(encoding="utf-8"))), MARKERS)
        return
    rows: list[dict[str, Any]] = []
    for server in SERVERS:
        try:
            with serving(server, _DEMO / "triangle.onnx", threads=usable_cores()) as served:
                rows += [measure(served, protocol, arguments.repeats) for protocol in served.addresses]
        except NoEnvironment as reason:
            print(f"{server} is left out: {reason}", file=sys.stderr)
    document = {
        "model": "bundled triangle.onnx, 3x224x224 float32 -> 2x224x224 float32",
        "threads": usable_cores(),
        "repeats": arguments.repeats,
        "rows": rows,
        "machine": describe_machine(),
    }
    arguments.out.write_text(json.dumps(document, indent=2) + "\n", encoding="utf-8")


def measure(served: Served, protocol: str, repeats: int) -> dict[str, Any]:
    """One protocol of one server beside the file."""
    print(f"measuring {served.server} by {protocol}", file=sys.stderr, flush=True)
    local = load_segmenter(_DEMO / "triangle.onnx", provider="cpu")
    remote = _remote(served, protocol, local)
    images = np.random.default_rng(0).random((IMAGES, 3, 224, 224), np.float32)
    expected, before = local.predict(images), remote.traffic
    difference = float(np.abs(remote.predict(images) - expected).max())
    exchanged = remote.traffic.since(before)
    server = remote.identity.server
    return {
        "server": served.server,
        "version": server.software_version if server else None,
        "protocol": protocol,
        "images_per_request": remote.spec.batch_size,
        "concurrency": remote.spec.workers,
        "bytes_per_image": {
            "sent": exchanged.bytes_sent // IMAGES,
            "received": exchanged.bytes_received // IMAGES,
        },
        "largest_difference": difference,
        "largest_score": float(np.abs(expected).max()),
        "one_image": _in_turns(repeats, *(_predicting(segmenter, images[:1]) for segmenter in (local, remote))),
        "batch": {
            "images": IMAGES,
            **_in_turns(repeats, *(_predicting(segmenter, images) for segmenter in (local, remote))),
        },
        "sufficient_region": _explained(local, remote),
    }


def _remote(served: Served, protocol: str, local: Segmenter) -> OpenInferenceSegmenter:
    options = RemoteOptions(
        protocol="json" if protocol == "REST JSON" else "auto",
        input="image:FP32:-1,3,224,224" if protocol == "MLflow" else None,
    )
    found = load_segmenter(served.addresses[protocol], local.spec.preprocessing, remote=options)
    if not isinstance(found, OpenInferenceSegmenter):
        raise TypeError(f"{served.addresses[protocol]} is no address")
    return found


def _predicting(segmenter: Segmenter, images: Images) -> Callable[[], object]:
    return lambda: segmenter.predict(images)


def _explained(local: Segmenter, remote: Segmenter) -> dict[str, Any]:
    """A whole explanation, certificate included, once each."""
    here, there = (SufficientRegion().explain(one, _DEMO / "triangle.png", ONE_OBJECT) for one in (local, remote))
    record = there.provenance.server
    return {
        "in_process_seconds": here.cost.seconds,
        "remote_seconds": there.cost.seconds,
        "in_process_forwards": here.cost.forwards,
        "remote_forwards": there.cost.forwards,
        "requests": record.requests if record else None,
        "same_region": bool(np.array_equal(here.minimal_region, there.minimal_region)),
    }


def _in_turns(repeats: int, here: Callable[[], object], there: Callable[[], object]) -> dict[str, float]:
    """Median seconds of both, and the median of the ratios."""
    here(), there()
    seconds = [(seconds_of(here), seconds_of(there)) for _ in range(repeats)]
    return {
        "in_process_seconds": round(statistics.median(one for one, _ in seconds), 5),
        "remote_seconds": round(statistics.median(other for _, other in seconds), 5),
        "ratio": round(statistics.median(other / one for one, other in seconds), 3),
    }


def table(document: dict[str, Any]) -> str:
    """A line a server and protocol."""
    heads = ["server", "protocol", "images a request", "MB an image, sent / received"]
    heads += ["one image", f"{IMAGES} images", "an explanation: seconds, forwards", "largest difference of a score"]
    lines = [f"| {' | '.join(heads)} |", "|" + "---|" * len(heads)]
    for row in document["rows"]:
        size, explained = row["bytes_per_image"], row["sufficient_region"]
        cells = [
            f"{row['server']} {row['version']}",
            row["protocol"],
            str(row["images_per_request"]),
            f"{size['sent'] / 1e6:.2f} / {size['received'] / 1e6:.2f}",
            *(f"{row[what]['ratio']:.1f} x" for what in ("one_image", "batch")),
            f"{explained['remote_seconds']:.1f}, {explained['remote_forwards']}",
            f"{row['largest_difference']:.1g}",
        ]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


if __name__ == "__main__":
    main()
