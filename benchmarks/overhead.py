"""What a method costs beyond the forwards (and backwards) that it needs: wall time over a bare loop.

    python -m benchmarks.overhead --json

RISE and the sufficient region are compared with loops that call nothing but `InferenceSession.run`, as many
images: one at a time after the other at the batch size that is fastest (`ratios`), and as many at the same time
as the library runs (`ratios_to_concurrent_loop`: what numpy costs). MiSuRe's stage 2, with each gradient route,
is compared with a loop that runs nothing but the torch bridge forward and backward, and with one that runs
nothing but its own route's. Method and bare loops take turns in one process, and the median of the ratios
counts, since machines are shared and noisy.

The bundled model is always measured; models of a data directory (`MISURE_DATA`) with a manifest too.
"""

import argparse
import json
import statistics
import sys
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime as ort
import torch

from benchmarks.bare import bare_session, seconds_of
from benchmarks.shared_data import data_directory, triples
from misure_onnx.api import load_segmenter
from misure_onnx.backends.onnx_runtime import OnnxRuntimeSegmenter
from misure_onnx.gradients import mask_gradient
from misure_onnx.gradients.base import MaskProblem, PreservationLoss
from misure_onnx.gradients.onnx_gradient.differentiate import GRADIENT, UPSTREAM, gradient_graph
from misure_onnx.gradients.torch_bridge.interpreter import TorchGraph
from misure_onnx.graph.load import load_with_weights
from misure_onnx.images import load_image
from misure_onnx.machine import describe_machine
from misure_onnx.methods.misure import MiSuRe
from misure_onnx.methods.misure.area_sweep import sweep_area
from misure_onnx.methods.progress import silent
from misure_onnx.methods.rise import Rise
from misure_onnx.methods.sufficient_region import grow_sufficient_region
from misure_onnx.methods.task import Task
from misure_onnx.processors import usable_cores
from misure_onnx.segmenter import CountingSegmenter
from misure_onnx.target import Target
from misure_onnx.types import FloatArray

RISE_MASKS, MISURE_ITERATIONS, SUFFICIENT_TAU, TRIED_FORWARDS = 500, 5, 0.999, 16
LEAST_SECONDS = 60.0
"""That turns go on: a loop of 0.2 s swings by a tenth on a shared machine."""
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
    parser.add_argument("--triples", default=",".join(DATA_TRIPLES), help="of the data directory, e.g. D01,D15")
    parser.add_argument(
        "--repeats",
        type=int,
        default=15,
        help="least turns of method and bare loop (default: 15); short ones go on for a minute",
    )
    arguments = parser.parse_args()
    measured = {}
    for case in cases(names=arguments.triples.split(",")):
        print(f"measuring {case.name}", file=sys.stderr, flush=True)
        measured[case.name] = measure(case, arguments.repeats)
        print({key: round(value, 3) for key, value in measured[case.name]["ratios"].items()}, file=sys.stderr)
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


def cases(provider: str = "cpu", names: Sequence[str] = DATA_TRIPLES) -> list[Case]:
    """The bundled model, and some of the data directory's."""
    bundled = Path(str(files("misure_onnx") / "demo"))
    found = [_case("bundled", bundled / "triangle.onnx", bundled / "triangle.png", None, ONE_OBJECT, provider=provider)]
    if data_directory() is not None:
        found += [
            _case(
                f"{triple.name} {triple.model.stem}",
                triple.model,
                triple.image,
                triple.preprocessing,
                Target.from_class(triple.class_index),
                provider=provider,
            )
            for triple in triples()
            if triple.name in names
        ]
    return found


def _case(name: str, model: Path, picture: Path, preprocess: Any, asked: Target, *, provider: str) -> Case:
    segmenter = load_segmenter(model, preprocess, provider=provider)
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
    result: dict[str, Any] = {
        "ratios": {},
        "ratios_of_processor_time": {},
        "ratios_to_concurrent_loop": {},
        "seconds": {},
    }
    for name, contest in {"rise": _rise, "sufficient_region": _sufficient_region}.items():
        timed, count = contest(case)
        seconds, processor = _take_turns(timed, repeats)
        result["ratios"][name] = _ratio(seconds, "method", "bare")
        result["ratios_of_processor_time"][name] = _ratio(processor, "method", "bare")
        result["ratios_to_concurrent_loop"][name] = _ratio(seconds, "method", "bare_concurrent")
        result["seconds"][name] = {**_medians(seconds), "evaluations": count}
    timed, count = _misure(case)
    seconds, processor = _take_turns(timed, repeats)
    result["ratios_of_processor_time"]["misure"] = _ratio(processor, "onnx_gradient", "bare_torch")
    result["ratios"]["misure"] = _ratio(seconds, "onnx_gradient", "bare_torch")
    result["misure_routes"] = {
        f"{route} over bare {bare}": _ratio(seconds, route, f"bare_{bare}")
        for route, bare in (("torch", "torch"), ("onnx_gradient", "onnx_gradient"), ("onnx_gradient", "torch"))
    }
    result["seconds"]["misure"] = {**_medians(seconds), "evaluations": count}
    return result


Timed = Callable[[], object]


def _take_turns(timed: dict[str, Timed], repeats: int) -> tuple[dict[str, list[float]], dict[str, list[float]]]:
    """Wall time and processor time of every turn."""
    for run in timed.values():
        run()
    seconds: dict[str, list[float]] = {name: [] for name in timed}
    processor: dict[str, list[float]] = {name: [] for name in timed}
    began, turn, names = time.perf_counter(), 0, list(timed)
    while turn < repeats or time.perf_counter() - began < LEAST_SECONDS:
        for name in names if turn % 2 == 0 else names[::-1]:
            start, own = time.perf_counter(), time.process_time()
            timed[name]()
            seconds[name].append(time.perf_counter() - start)
            processor[name].append(time.process_time() - own)
        turn += 1
    return seconds, processor


def _ratio(seconds: dict[str, list[float]], one: str, other: str) -> float:
    return statistics.median(a / b for a, b in zip(seconds[one], seconds[other], strict=True))


def _medians(seconds: dict[str, list[float]]) -> dict[str, float]:
    return {
        **{name: statistics.median(values) for name, values in seconds.items()},
        "turns": len(next(iter(seconds.values()))),
    }


def _rise(case: Case) -> tuple[dict[str, Timed], int]:
    method = Rise(masks=RISE_MASKS)
    return {"method": lambda: method.attribute(case.task), **_bare_forwards(case, RISE_MASKS)}, RISE_MASKS


def _sufficient_region(case: Case) -> tuple[dict[str, Timed], int]:
    """A tau that needs many dilations, so that there is something to time."""
    baseline = np.zeros_like(case.task.image)

    def grow() -> object:
        return grow_sufficient_region(case.task, baseline, SUFFICIENT_TAU)

    case.task.segmenter.forwards = 0
    grow()
    count = case.task.segmenter.forwards
    return {"method": grow, **_bare_forwards(case, count)}, count


def _misure(case: Case) -> tuple[dict[str, Timed], int]:
    method = MiSuRe.from_preset("minimal", iterations=MISURE_ITERATIONS)
    task, baseline = case.task, np.zeros_like(case.task.image)
    problem = MaskProblem(task.image, (baseline,), task.target, PreservationLoss())
    region = grow_sufficient_region(task, baseline, method.tau).region
    timed: dict[str, Timed] = {}
    for route in ("torch", "onnx_gradient"):
        gradient, _ = mask_gradient(route, task.segmenter, problem)
        timed[route] = partial(sweep_area, gradient, region, method.search(task).sweep, silent)
    return {**timed, **_bare_gradients(case, MISURE_ITERATIONS)}, MISURE_ITERATIONS


def _bare_forwards(case: Case, count: int) -> dict[str, Timed]:
    """`InferenceSession.run` on as many images: after each other at the fastest batch size, and at the same time."""
    name, output, workers = case.segmenter.input.name, case.segmenter.output.name, case.segmenter.spec.workers
    session, shared = _session(case, usable_cores()), _session(case, usable_cores() // workers)
    threads = ThreadPoolExecutor(workers)

    def loop(batch: int, forwards: int) -> None:
        images = case.segmenter.input.to_network(np.repeat(case.task.image, batch, axis=0))
        for _ in range(forwards // batch):
            session.run([output], {name: images})
        if forwards % batch:
            session.run([output], {name: images[: forwards % batch]})

    def concurrent_loop() -> None:
        feed = {name: case.segmenter.input.to_network(case.task.image)}
        for _ in threads.map(lambda _: shared.run([output], feed), range(count)):
            pass

    batches = [case.segmenter.input.batch] if case.segmenter.input.batch else [1, 2, 4, 8]
    best = min(batches, key=lambda batch: _seconds_warm(lambda: loop(batch, TRIED_FORWARDS)))
    return {"bare": lambda: loop(best, count), "bare_concurrent": concurrent_loop}


def _session(case: Case, threads: int) -> ort.InferenceSession:
    return bare_session(str(case.segmenter.path), threads)


def _bare_gradients(case: Case, count: int) -> dict[str, Timed]:
    """Forward and backward through the network and nothing else: by the bridge, and by a gradient graph."""
    model, name, output = load_with_weights(case.segmenter.path), case.segmenter.input.name, case.segmenter.output.name
    own: FloatArray = np.asarray(case.segmenter.input.to_network(case.task.image), np.float32)
    graph = TorchGraph(model, outputs=[output])
    upstream = np.ones(_session(case, usable_cores()).run([output], {name: own})[0].shape, np.float32)

    def torch_loop() -> None:
        for _ in range(count):
            image = torch.from_numpy(own).requires_grad_()
            (result,) = graph({name: image})
            result.backward(torch.ones_like(result))  # type: ignore[no-untyped-call]

    written = gradient_graph(model, of=output, wrt=name, shape=own.shape)
    session = bare_session(written.SerializeToString(), usable_cores())

    def graph_loop() -> None:
        for _ in range(count):
            session.run([output, GRADIENT], {name: own, UPSTREAM: upstream})

    return {"bare_torch": torch_loop, "bare_onnx_gradient": graph_loop}


def _seconds_warm(run: Timed) -> float:
    run()
    return seconds_of(run)


if __name__ == "__main__":
    main()
