"""Other ways to run a network forward and backward on processors: does any of them pay for a mask's optimisation?

    python -m benchmarks.msr_speed.modes --out benchmarks/results/msr_modes.json

Seconds a mask, medians over turns that the ways take one after the other in one process: ONNX Runtime one mask at a
time on all processors, or two at the same time on half of them each; a plain forward likewise; the torch bridge one
mask at a time, in batches of 2 and 4, with channels last, and compiled (`torch.compile`, whose compilation is timed
apart).
"""

import argparse
import json
import statistics
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from benchmarks.bare import bare_session
from benchmarks.msr_speed.table import MODES_MARKERS, modes_table
from benchmarks.overhead import Case, cases
from benchmarks.page_table import write_table
from benchmarks.results_file import write_results
from misure_onnx.gradients.onnx_gradient.differentiate import GRADIENT, UPSTREAM, gradient_graph
from misure_onnx.gradients.torch_bridge.interpreter import TorchGraph
from misure_onnx.graph.load import load_with_weights
from misure_onnx.machine import describe_machine
from misure_onnx.processors import usable_cores

NAMES = ("bundled", "D15")
MASKS = 4
"""Of a turn, in every way."""

Turn = Callable[[], object]


def main() -> None:
    """Measures and writes."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.msr_speed.modes",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--out", type=Path, default=Path("benchmarks/results/msr_modes.json"))
    parser.add_argument("--turns", type=int, default=7)
    parser.add_argument("--models", default=",".join(NAMES), help="`bundled`, or triples of the data directory")
    parser.add_argument("--docs", type=Path, help="run nothing: write the table of --out into this page")
    arguments = parser.parse_args()
    if arguments.docs:
        rows = json.loads(arguments.out.read_text(encoding="utf-8"))["rows"]
        write_table(arguments.docs, modes_table(rows), MODES_MARKERS)
        return
    torch.set_num_threads(usable_cores())
    names = arguments.models.split(",")
    rows = {}
    for case in cases(names=names):
        if case.name.split()[0] in names:
            rows[case.name] = measured(case, arguments.turns)
            print(case.name, json.dumps(rows[case.name]), flush=True)
            document = {"machine": describe_machine(), "masks_of_a_turn": MASKS, "rows": rows}
            write_results(arguments.out, document)


def measured(case: Case, turns: int) -> dict[str, Any]:
    """Seconds a mask of every way; null where the graph does not allow it."""
    ways: dict[str, Turn] = {**_in_onnx_runtime(case), **_in_torch(case)}
    compiled, compilation = _compiled(case)
    if compiled is not None:
        ways["torch, compiled"] = compiled
    seconds: dict[str, list[float]] = {}
    failed: dict[str, str] = {}
    for _ in range(turns):
        for name, turn in ways.items():
            if name not in failed:
                start = time.perf_counter()
                try:
                    turn()
                except Exception as error:  # noqa: BLE001 - a graph of one image refuses a batch, each in its own words
                    failed[name] = f"{type(error).__name__}: {error}".splitlines()[0][:200]
                else:
                    seconds.setdefault(name, []).append((time.perf_counter() - start) / MASKS)
    medians = {name: statistics.median(values[1:] or values) for name, values in seconds.items() if name not in failed}
    return {
        "seconds": medians,
        "compilation": compilation,
        "masks_until_compilation_pays": _break_even(medians, compilation),
        "failed": failed,
    }


def _break_even(medians: Mapping[str, float], compilation: Mapping[str, Any]) -> float | None:
    """Compilation over what it saves a mask; None where it saves nothing."""
    if "torch, compiled" not in medians:
        return None
    saved = medians["torch"] - medians["torch, compiled"]
    return float(compilation["seconds"]) / saved if saved > 0 else None


def _in_onnx_runtime(case: Case) -> dict[str, Turn]:
    name, output = case.segmenter.input.name, case.segmenter.output.name
    image = np.asarray(case.segmenter.input.to_network(case.task.image), np.float32)
    model = load_with_weights(case.segmenter.path)
    written = gradient_graph(model, of=output, wrt=name, shape=image.shape).SerializeToString()
    deployed = model.SerializeToString()
    shape = bare_session(deployed, usable_cores()).run([output], {name: image})[0].shape
    both = {name: image, UPSTREAM: np.ones(shape, np.float32)}
    found: dict[str, Turn] = {}
    for what, graph, outputs, feeds in (
        ("forward and backward", written, [output, GRADIENT], both),
        ("forward", deployed, [output], {name: image}),
    ):
        whole, half = bare_session(graph, usable_cores()), bare_session(graph, max(1, usable_cores() // 2))
        found[f"ONNX Runtime, {what}"] = _repeated(lambda s=whole, o=outputs, f=feeds: s.run(o, f))  # type: ignore[misc]
        found[f"ONNX Runtime, {what}, two at the same time"] = _two_at_once(
            lambda s=half, o=outputs, f=feeds: s.run(o, f)  # type: ignore[misc]
        )
    return found


def _repeated(once: Turn, times: int = MASKS) -> Turn:
    def turn() -> None:
        for _ in range(times):
            once()

    return turn


def _two_at_once(once: Turn) -> Turn:
    threads = ThreadPoolExecutor(2)
    return lambda: list(threads.map(lambda _: once(), range(MASKS)))


def _in_torch(case: Case) -> dict[str, Turn]:
    image = _image(case)
    graph, last = _bridge(case), _bridge(case, channels_last=True)
    as_last = image.contiguous(memory_format=torch.channels_last)
    ways: dict[str, Turn] = {
        "torch": _repeated(lambda: _pass(graph, image)),
        "torch, channels last": _repeated(lambda: _pass(last, as_last)),
    }
    for size in (2, 4):
        batch = image.repeat(size, 1, 1, 1)
        ways[f"torch, batches of {size}"] = _repeated(lambda b=batch: _pass(graph, b), MASKS // size)  # type: ignore[misc]
    return ways


def _image(case: Case) -> Tensor:
    return torch.from_numpy(np.asarray(case.segmenter.input.to_network(case.task.image), np.float32))


def _bridge(case: Case, *, channels_last: bool = False) -> Callable[[Tensor], Tensor]:
    name = case.segmenter.input.name
    graph = TorchGraph(load_with_weights(case.segmenter.path), outputs=[case.segmenter.output.name])
    constants = graph._constants  # noqa: SLF001 - what a bridge with channels last would do when it is built
    for key, value in constants.items() if channels_last else ():
        if isinstance(value, Tensor) and value.ndim == 4:
            constants[key] = value.contiguous(memory_format=torch.channels_last)
    return lambda image: graph({name: image})[0]


def _pass(network: Callable[[Tensor], Tensor], image: Tensor) -> None:
    leaf = image.detach().requires_grad_()
    scores = network(leaf)
    scores.backward(torch.ones_like(scores))  # type: ignore[no-untyped-call]


def _compiled(case: Case) -> tuple[Turn | None, dict[str, Any]]:
    """The compiled bridge, and what its first passes cost."""
    network, image = _bridge(case), _image(case)
    _pass(network, image)  # what depends on shapes alone is known then
    start = time.perf_counter()
    try:
        compiled = torch.compile(network)
        for _ in range(2):
            _pass(compiled, image)
    except Exception as error:  # noqa: BLE001 - the compiler fails in many ways, and which one is the result
        return None, {"error": f"{type(error).__name__}: {error}".splitlines()[0][:200]}
    return _repeated(lambda: _pass(compiled, image)), {"seconds": time.perf_counter() - start}


if __name__ == "__main__":
    main()
