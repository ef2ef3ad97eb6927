"""What a method costs beyond the forwards (and backwards) that it needs: wall time over a bare loop.

    python -m benchmarks.overhead --json

RISE and the sufficient region are compared with a loop that calls nothing but `InferenceSession.run`, as
many images, at the batch size that is fastest; MiSuRe's stage 2 with a loop that runs nothing but the
torch bridge forward and backward. Method and bare loop take turns in one process, and the median of the
ratios counts, since machines are shared and noisy.

The bundled model is always measured; models of a data directory (`MISURE_DATA`) with a manifest too.
"""

import argparse
import json
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime as ort
import torch

from benchmarks.machine import describe_machine
from benchmarks.shared_data import Triple, data_directory, triples
from misure_onnx.api import load_segmenter
from misure_onnx.backends.onnx_runtime import OnnxRuntimeSegmenter
from misure_onnx.gradients.base import MaskProblem, PreservationLoss
from misure_onnx.gradients.torch_bridge.interpreter import TorchGraph
from misure_onnx.gradients.torch_bridge.mask_gradient import TorchMaskGradient
from misure_onnx.graph.load import load_with_weights
from misure_onnx.images import load_image
from misure_onnx.methods.base import Task
from misure_onnx.methods.misure import MiSuRe
from misure_onnx.methods.misure.minimal_region import optimise_mask
from misure_onnx.methods.progress import silent
from misure_onnx.methods.rise import Rise
from misure_onnx.methods.sufficient_region import grow_sufficient_region
from misure_onnx.processors import usable_cores
from misure_onnx.segmenter import CountingSegmenter
from misure_onnx.target import Target
from misure_onnx.types import FloatArray

RISE_MASKS, MISURE_ITERATIONS, SUFFICIENT_TAU = 96, 10, 0.9999
ONE_OBJECT = Target.at(67, 124)
"""Of the bundled image: it needs dozens of dilations."""
DATA_TRIPLES = ("D01", "D02", "D15")


@dataclass(frozen=True)
class Case:
    """A model with an image, ready to be timed."""

    name: str
    segmenter: OnnxRuntimeSegmenter
    task: Task


def main() -> None:
    """Measures and prints."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", action="store_true", help="one JSON document on stdout")
    parser.add_argument("--out", type=Path, help="also write the document to this file")
    parser.add_argument("--repeats", type=int, default=7, help="turns of method and bare loop (default: 7)")
    arguments = parser.parse_args()
    measured = {case.name: measure(case, arguments.repeats) for case in cases()}
    document = {
        "ratios": measured["bundled"]["ratios"],
        "models": measured,
        "machine": describe_machine(),
        "repeats": arguments.repeats,
    }
    if arguments.out:
        arguments.out.write_text(json.dumps(document, indent=2) + "\n", encoding="utf-8")
    if arguments.json:
        print(json.dumps(document, indent=2))
        return
    for name, result in measured.items():
        print(name, {key: round(value, 3) for key, value in result["ratios"].items()})


def cases() -> list[Case]:
    """The bundled model, and some of the data directory's."""
    bundled = files("misure_onnx") / "demo"
    found = [
        _case("bundled", Path(str(bundled / "triangle.onnx")), Path(str(bundled / "triangle.png")), None, ONE_OBJECT)
    ]
    if data_directory() is not None:
        found += [_triple_case(triple) for triple in triples() if triple.name in DATA_TRIPLES]
    return found


def _triple_case(triple: Triple) -> Case:
    return _case(
        f"{triple.name} {triple.model.stem}",
        triple.model,
        triple.image,
        triple.preprocessing,
        Target.from_class(triple.class_index),
    )


def _case(name: str, model: Path, picture: Path, preprocess: Any, asked: Target) -> Case:
    segmenter = load_segmenter(model, preprocess)
    if not isinstance(segmenter, OnnxRuntimeSegmenter):
        raise TypeError(f"{model} is no ONNX file")
    image = load_image(picture)
    network_image = segmenter.prepare(image)
    scores = segmenter.predict(network_image)
    target = asked.resolve(segmenter.spec, scores, image.size)
    task = Task(CountingSegmenter(segmenter), network_image, target, 0, segmenter.spec.batch_size, silent)
    return Case(name, segmenter, task)


def measure(case: Case, repeats: int) -> dict[str, Any]:
    """Ratios and seconds of the three methods."""
    ratios, seconds = {}, {}
    for name, pair in {"rise": _rise, "sufficient_region": _sufficient_region, "misure": _misure}.items():
        method, bare, count = pair(case)
        method_seconds, bare_seconds = _take_turns(method, bare, repeats)
        ratios[name] = statistics.median(m / b for m, b in zip(method_seconds, bare_seconds, strict=True))
        seconds[name] = {
            "method": statistics.median(method_seconds),
            "bare": statistics.median(bare_seconds),
            "evaluations": count,
        }
    return {"ratios": ratios, "seconds": seconds}


Timed = Callable[[], object]


def _take_turns(method: Timed, bare: Timed, repeats: int) -> tuple[list[float], list[float]]:
    method()
    bare()
    seconds: tuple[list[float], list[float]] = ([], [])
    for turn in range(repeats):
        order = (0, 1) if turn % 2 == 0 else (1, 0)
        for which in order:
            start = time.perf_counter()
            (method, bare)[which]()
            seconds[which].append(time.perf_counter() - start)
    return seconds


def _rise(case: Case) -> tuple[Timed, Timed, int]:
    method = Rise(masks=RISE_MASKS)
    return lambda: method.attribute(case.task), _bare_forwards(case, RISE_MASKS), RISE_MASKS


def _sufficient_region(case: Case) -> tuple[Timed, Timed, int]:
    """A tau that needs many dilations, so that there is something to time."""
    baseline = np.zeros_like(case.task.image)
    count = len(grow_sufficient_region(case.task, baseline, SUFFICIENT_TAU).curve)
    return lambda: grow_sufficient_region(case.task, baseline, SUFFICIENT_TAU), _bare_forwards(case, count), count


def _misure(case: Case) -> tuple[Timed, Timed, int]:
    method = MiSuRe.from_preset("paper", iterations=MISURE_ITERATIONS)
    task, baseline = case.task, np.zeros_like(case.task.image)
    problem = MaskProblem(task.image, (baseline,), task.target, PreservationLoss())
    gradient = TorchMaskGradient(case.segmenter, task.segmenter, problem)
    region = grow_sufficient_region(task, baseline, method.tau).region
    grid, schedule, evaluations = (method.mask_size, method.mask_size), method.schedule(), MISURE_ITERATIONS + 1
    return (
        lambda: optimise_mask(gradient, region, grid, schedule, silent),
        _bare_bridge(case, evaluations),
        evaluations,
    )


def _bare_forwards(case: Case, count: int) -> Timed:
    """`InferenceSession.run` on as many images, at the fastest batch size."""
    options = ort.SessionOptions()
    options.intra_op_num_threads = usable_cores()
    session = ort.InferenceSession(str(case.segmenter.path), options, providers=["CPUExecutionProvider"])
    name, output = case.segmenter.input.name, case.segmenter.output.name

    def loop(batch: int) -> None:
        images = case.segmenter.input.to_network(np.repeat(case.task.image, batch, axis=0))
        for _ in range(count // batch):
            session.run([output], {name: images})
        if count % batch:
            session.run([output], {name: images[: count % batch]})

    batches = [case.segmenter.input.batch] if case.segmenter.input.batch else [1, 2, 4, 8]
    best = min(batches, key=lambda batch: _seconds(lambda: loop(batch)))
    return lambda: loop(best)


def _bare_bridge(case: Case, count: int) -> Timed:
    """The bridge's forward and backward and nothing else."""
    graph = TorchGraph(load_with_weights(case.segmenter.path), outputs=[case.segmenter.output.name])
    own: FloatArray = np.asarray(case.segmenter.input.to_network(case.task.image), np.float32)

    def loop() -> None:
        for _ in range(count):
            image = torch.from_numpy(own).requires_grad_()
            (output,) = graph({case.segmenter.input.name: image})
            output.backward(torch.ones_like(output))  # type: ignore[no-untyped-call]

    return loop


def _seconds(run: Timed) -> float:
    run()
    start = time.perf_counter()
    run()
    return time.perf_counter() - start


if __name__ == "__main__":
    main()
