"""What every peer is asked, and what it answers: needs numpy alone, so that it runs in any environment."""

import json
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]
BARE_FORWARDS = 64


@dataclass(frozen=True)
class Job:
    """One object to explain.

    Attributes:
        case: name of the object, as `benchmarks.overhead` has it.
        model: an ONNX file (N, C, H, W) -> (N, 2), the Dice of the object and one minus it.
        image: (1, C, H, W), as the network takes it; hidden pixels become 0.
        region: (H, W), the object.
        class_index: its class.
        superpixels: (H, W), numbers from 0: the players of Shapley values.
        weights: a folder with the weights of the network in torch, or empty: there is none.
        batch: images a forward of whoever asks for several.
        masks, fewer: of RISE's means, and of the surrogate.
        cells, keep: of RISE.
        patch, stride: of occlusion, in pixels.
        budget: coalitions of Shapley values.
        noisy: copies of SmoothGrad; noise: their standard deviation as a share of the image's range.
        area, steps: of extremal perturbation: pixels, and steps of its optimiser.
        seed: another one each repeat.
    """

    case: str
    model: str
    image: Array
    region: Array
    class_index: int
    superpixels: Array
    weights: str
    batch: int
    masks: int
    fewer: int
    cells: int
    keep: float
    patch: int
    stride: int
    budget: int
    noisy: int
    noise: float
    area: int
    steps: int
    seed: int


ARRAYS = ("image", "region", "superpixels")


def the_job() -> tuple[Job, str]:
    """The one whose file is the first argument, and the mode, which is the second."""
    asked = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
    return Job(**(asked | {name: np.load(asked[name]) for name in ARRAYS})), sys.argv[2]


def answer(
    distribution: str,
    explain: Callable[[], Array],
    bare: Callable[[int], object],
    forwards: Callable[[], int],
    *,
    warm: Callable[[], object] | None = None,
    bare_forwards: int = BARE_FORWARDS,
    **more: object,
) -> None:
    """Measures one map between two bare loops, and writes numbers and map to the third argument (.json, .npy).

    Args:
        distribution: whose version is noted.
        explain: gives the map (H, W).
        bare: runs so many forwards (where a gradient is asked for: and backwards) of the same backend with nothing
            around them.
        forwards: how many `explain` and `bare` have run up to now.
        warm: what compiles itself when it is first called.
        bare_forwards: of each of the two loops.
        more: to be noted.
    """
    bare(4)
    if warm is not None:
        warm()
    loops = [_timed(lambda: bare(bare_forwards))]
    counted, before = forwards(), _peak()
    start = (time.process_time(), time.perf_counter())
    found = np.asarray(explain(), np.float32)
    spent = (time.process_time() - start[0], time.perf_counter() - start[1])
    peak, counted = _peak(), forwards() - counted
    loops.append(_timed(lambda: bare(bare_forwards)))
    place = Path(sys.argv[3])
    np.save(place.with_suffix(".npy"), found)
    row = {
        "version": version(distribution),
        "forwards": counted,
        "processor_seconds": spent[0],
        "wall_seconds": spent[1],
        "bare_processor_seconds_a_forward": float(np.mean([loop[0] for loop in loops])) / bare_forwards,
        "bare_wall_seconds_a_forward": float(np.mean([loop[1] for loop in loops])) / bare_forwards,
        "peak_mb_above_bare": peak - before,
        "peak_mb": peak,
        **more,
    }
    place.with_suffix(".json").write_text(json.dumps(row), encoding="utf-8")


def _timed(run: Callable[[], object]) -> tuple[float, float]:
    start = (time.process_time(), time.perf_counter())
    run()
    return time.process_time() - start[0], time.perf_counter() - start[1]


def _peak() -> float:
    """Megabytes that this process has needed at most; what `getrusage` says includes the process that started it."""
    lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM")) / 1024


class Scored:
    """The score (N, 2) of images (N, C, H, W), by ONNX Runtime with one thread, counting forwards."""

    def __init__(self, job: Job) -> None:
        import onnxruntime  # noqa: PLC0415 - not in every environment

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        options.log_severity_level = 3
        self._session = onnxruntime.InferenceSession(job.model, options, providers=["CPUExecutionProvider"])
        self._image, self._batch, self.forwards = np.asarray(job.image, np.float32), job.batch, 0

    def __call__(self, images: Array) -> Array:
        """Float32 whatever comes, in batches of the job's size."""
        self.forwards += len(images)
        images = np.ascontiguousarray(images, np.float32)
        parts = [images[first : first + self._batch] for first in range(0, len(images), self._batch)]
        return np.concatenate([np.asarray(self._session.run(None, {"image": part})[0]) for part in parts])

    def bare(self, count: int) -> None:
        """So many forwards at the job's batch size."""
        images = np.repeat(self._image, self._batch, axis=0)
        for _ in range(count // self._batch):
            self._session.run(None, {"image": images})

    def count(self) -> int:
        """Forwards up to now, without the bare ones."""
        return self.forwards
