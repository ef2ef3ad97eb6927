"""How cost grows: processor time with pixels, objects and classes; peak memory with masks.

    python -m benchmarks.scaling      # writes benchmarks/results/scaling.json and docs/scaling.png

The model names the nearest of eight colours after a few convolutions, at any size, so that the image decides how many
objects and classes there are. Every memory figure is the peak of a process of its own, over that of a process that runs
the bare session as often as matters.
"""

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from functools import partial
from itertools import pairwise, product
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
from matplotlib.figure import Figure
from onnx import TensorProto, helper, numpy_helper

from benchmarks.results_file import write_results
from misure_onnx.api import every_object, load_segmenter
from misure_onnx.images import load_image as load
from misure_onnx.machine import describe_machine
from misure_onnx.methods.base import Method
from misure_onnx.methods.explain_all import explain_all
from misure_onnx.methods.rise import Rise
from misure_onnx.methods.sufficient_region import SufficientRegion
from misure_onnx.target import ResolvedTarget

COLOURS = np.array([*product((0.0, 1.0), repeat=3)], np.float32)
"""Black is the background."""
SIDES, COUNTS, CLASSES = (128, 192, 256, 384, 512), (1, 2, 4, 8), (1, 2, 4, 7)
MASKS, MEMORY_SIDE, BLURS = (500, 1000, 2000), 512, 6
METHODS: dict[str, Method] = {"rise": Rise(masks=64), "sufficient_region": SufficientRegion()}
Picture = npt.NDArray[np.uint8]


def main() -> None:
    """Measures and draws."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=Path("benchmarks/results/scaling.json"))
    parser.add_argument("--figure", type=Path, default=Path("docs/scaling.png"))
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--draw", action="store_true", help="run nothing: draw what --out holds")
    parser.add_argument("--child", nargs=3, metavar=("MODEL", "MASKS", "SIDE"), help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.child:
        print(peak_of(Path(arguments.child[0]), int(arguments.child[1]), int(arguments.child[2])))
        return
    if arguments.draw:
        draw(json.loads(arguments.out.read_text(encoding="utf-8"))).savefig(arguments.figure, dpi=110)
        return
    with tempfile.TemporaryDirectory() as folder:
        model = write_model(Path(folder, "colours.onnx"))
        document = {
            "pixels": with_pixels(model, arguments.repeats),
            "objects": with_objects(model, arguments.repeats),
            "classes": with_classes(model, arguments.repeats),
            "memory": with_masks(model),
            "machine": describe_machine(),
        }
    write_results(arguments.out, document)
    draw(document).savefig(arguments.figure, dpi=110)


def write_model(path: Path) -> Path:
    """Some 3x3 means, then the nearest colour: score_l = 2 c_l x - |c_l|^2."""
    mean = np.zeros((3, 3, 3, 3), np.float32)
    mean[range(3), range(3)] = 1 / 9
    arrays = {"mean": mean, "colours": 2 * COLOURS[:, :, None, None], "offset": -np.square(COLOURS).sum(axis=1)}
    names = ["image", *(f"mean_{k}" for k in range(BLURS))]
    nodes = [
        helper.make_node("Conv", [first, "mean"], [second], pads=[1, 1, 1, 1]) for first, second in pairwise(names)
    ]
    nodes.append(helper.make_node("Conv", [names[-1], "colours", "offset"], ["scores"]))
    image = helper.make_tensor_value_info("image", TensorProto.FLOAT, ["N", 3, "H", "W"])
    scores = helper.make_tensor_value_info("scores", TensorProto.FLOAT, ["N", len(COLOURS), "H", "W"])
    weights = [numpy_helper.from_array(np.asarray(array, np.float32), name) for name, array in arrays.items()]
    graph = helper.make_graph(nodes, "colours", [image], [scores], weights)
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), path)
    return path


def picture(side: int, colours: Sequence[int]) -> Picture:
    """(side, side, 3): squares of these colours on black, three a row."""
    found = np.zeros((side, side, 3), np.uint8)
    pitch, extent = side // 3, side // 6
    for place, colour in enumerate(colours):
        top, left = (pitch * k + pitch // 4 for k in divmod(place, 3))
        found[top : top + extent, left : left + extent] = COLOURS[colour] * 255
    return found


def with_pixels(model: Path, repeats: int) -> dict[str, Any]:
    """Seconds of processor time an explanation, and a bare forward, for images of several sizes."""
    rows: dict[str, Any] = {}
    for side in SIDES:
        segmenter, image = load_segmenter(model, "unit", provider="cpu"), picture(side, [1])
        network_image = segmenter.prepare(load(image))
        timed: dict[str, Callable[[], object]] = {"bare forward": partial(segmenter.predict, network_image)}
        timed |= {name: partial(method.explain, segmenter, image) for name, method in METHODS.items()}
        rows[str(side**2)] = medians(timed, repeats)
    return rows


def with_objects(model: Path, repeats: int) -> dict[str, Any]:
    """For more objects of one class, one explanation each: alone, and sharing what they can."""
    return {str(n): _together(model, picture(192, [1] * n), n, repeats) for n in COUNTS}


def with_classes(model: Path, repeats: int) -> dict[str, Any]:
    """For more classes, one explanation each: alone, and sharing what they can."""
    return {str(n): _together(model, picture(192, range(1, n + 1)), n, repeats) for n in CLASSES}


def _together(model: Path, image: Picture, count: int, repeats: int) -> dict[str, float]:
    segmenter = load_segmenter(model, "unit", provider="cpu")
    targets = every_object(segmenter, image)
    if len(targets) != count:
        raise RuntimeError(f"{count} squares were drawn, {len(targets)} objects were found")

    def shared(method: Method) -> object:
        return list(explain_all([method], segmenter, image, targets))

    def alone(method: Method, asked: Sequence[ResolvedTarget]) -> object:
        return [method.explain(segmenter, image, target) for target in asked]

    timed: dict[str, Callable[[], object]] = {
        "rise, shared": lambda: shared(METHODS["rise"]),
        "rise, alone": lambda: alone(METHODS["rise"], targets),
        "sufficient_region": lambda: alone(METHODS["sufficient_region"], targets),
    }
    return medians(timed, repeats)


def medians(timed: dict[str, Callable[[], object]], repeats: int) -> dict[str, float]:
    """Seconds of processor time, in turns, after one run that does not count."""
    seconds: dict[str, list[float]] = {name: [] for name in timed}
    for turn in range(repeats + 1):
        for name, run in timed.items():
            start = time.process_time()
            run()
            if turn:
                seconds[name].append(time.process_time() - start)
    return {name: statistics.median(values) for name, values in seconds.items()}


def with_masks(model: Path) -> dict[str, Any]:
    """Peak megabytes over the bare session's, and how they grow per thousand masks."""
    bare = _child(model, 0)
    above = {str(masks): _child(model, masks) - bare for masks in MASKS}
    slope = float(np.polyfit(MASKS, list(above.values()), 1)[0] * 1000)
    return {"side": MEMORY_SIDE, "bare_mb": bare, "above_bare_mb": above, "mb_per_1000_masks": slope}


def _child(model: Path, masks: int) -> float:
    command = [sys.executable, "-m", "benchmarks.scaling", "--child", str(model), str(masks), str(MEMORY_SIDE)]
    return float(subprocess.run(command, check=True, capture_output=True, text=True).stdout)  # noqa: S603 - ourselves


def peak_of(model: Path, masks: int, side: int) -> float:
    """Of this process, in megabytes, after RISE's masks; 0: after as many bare forwards as warm a session up."""
    segmenter, image = load_segmenter(model, "unit", provider="cpu"), picture(side, [1])
    network_image = segmenter.prepare(load(image))
    if masks:
        Rise(masks=masks).explain(segmenter, image)
    else:
        for _ in range(16):
            segmenter.predict(network_image)
    # Not `getrusage`: its peak includes that of the process that started this one.
    lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM")) / 1024


def draw(document: dict[str, Any]) -> Figure:
    """Three lines of processor time, and the peak of memory."""
    figure = Figure(figsize=(13, 3.2), layout="constrained")
    axes = figure.subplots(1, 4)
    titles = {"pixels": ("thousand pixels", 1000), "objects": ("objects of one class", 1), "classes": ("classes", 1)}
    for place, (what, (label, unit)) in zip(axes, titles.items(), strict=False):
        rows = document[what]
        counts = [int(count) / unit for count in rows]
        for name in next(iter(rows.values())):
            seconds = [row[name] for row in rows.values()]
            place.plot(counts, [s / seconds[0] for s in seconds], marker="o", label=name)
        place.plot(counts, [count / counts[0] for count in counts], "k:", label="in proportion")
        place.set(xlabel=label, ylabel="processor time, first = 1", ylim=(0, None))
        place.legend(fontsize=7)
    memory = document["memory"]["above_bare_mb"]
    axes[3].plot([int(masks) for masks in memory], list(memory.values()), marker="o")
    axes[3].set(xlabel=f"masks at {MEMORY_SIDE}x{MEMORY_SIDE}", ylabel="peak MB above the bare session", ylim=(0, None))
    return figure


if __name__ == "__main__":
    main()
