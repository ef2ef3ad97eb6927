"""What every peer is asked, and what it answers: needs numpy alone, so that it runs in any environment."""

import json
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
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
        model: an ONNX file (N, C, H, W) -> (N, 2), the Dice of the object and one minus it.
        image: (1, C, H, W), as the network takes it; hidden pixels become 0.
        masks, cells, keep, batch: of RISE.
        repeats: how often it is measured.
        out: folder for the answer.
    """

    model: str
    image: Array
    masks: int
    cells: int
    keep: float
    batch: int
    repeats: int
    out: Path


def the_job() -> Job:
    """The one whose file is the first argument."""
    place = Path(sys.argv[1])
    asked = json.loads(place.read_text(encoding="utf-8"))
    return Job(**(asked | {"image": np.load(asked["image"]), "out": place.parent}))


def answer(name: str, job: Job, explain: Callable[[], Array], bare: Callable[[int], object], **more: object) -> None:
    """Measures an explainer and its own bare loop in turns, and writes numbers and map.

    Args:
        name: of the row.
        job: what was asked.
        explain: gives the map (H, W).
        bare: runs so many forwards of the same backend with nothing around them.
        more: to be noted.
    """
    bare(4)
    before, loops, runs, found = _peak(), [], [], np.zeros(0)
    for _ in range(job.repeats):
        loops.append(_timed(lambda: bare(BARE_FORWARDS)))
        start = (time.process_time(), time.perf_counter())
        found = explain()
        runs.append((time.process_time() - start[0], time.perf_counter() - start[1]))
    np.save(job.out / f"{name}.npy", np.asarray(found, np.float32))
    row = {
        "processor_seconds": float(np.median([run[0] for run in runs])),
        "wall_seconds": float(np.median([run[1] for run in runs])),
        "bare_processor_seconds_a_forward": float(np.median([loop[0] for loop in loops])) / BARE_FORWARDS,
        "bare_wall_seconds_a_forward": float(np.median([loop[1] for loop in loops])) / BARE_FORWARDS,
        "peak_mb_above_bare": _peak() - before,
        "repeats": job.repeats,
        **more,
    }
    (job.out / f"{name}.json").write_text(json.dumps(row), encoding="utf-8")


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
        self._session = onnxruntime.InferenceSession(job.model, options, providers=["CPUExecutionProvider"])
        self._image, self._batch, self.forwards = np.asarray(job.image, np.float32), job.batch, 0

    def __call__(self, images: Array) -> Array:
        """Float32 whatever comes."""
        self.forwards += len(images)
        return np.asarray(self._session.run(None, {"image": np.ascontiguousarray(images, np.float32)})[0])

    def bare(self, count: int) -> None:
        """So many forwards at the job's batch size."""
        images = np.repeat(self._image, self._batch, axis=0)
        for _ in range(count // self._batch):
            self._session.run(None, {"image": images})
