"""How many images a call run fastest, by trying; within memory."""

import os
import sys
import time
from dataclasses import dataclass

import numpy as np

from misure_onnx.errors import InputError, ModelError
from misure_onnx.segmenter import CountingSegmenter, Predict
from misure_onnx.types import Images

_SIZES = (1, 2, 4, 8, 16, 32, 64)
_ROUNDS, _SECONDS = 3, 0.2
"""The fastest of so many rounds counts, each of so many seconds or one call a worker."""
_SLOWER = 1.1
"""Times the fastest: larger batches are not tried after that."""
_SHARE = 0.5
"""Of the memory that is left, which the next batch may need."""


@dataclass(frozen=True)
class TriedBatch:
    """Images a call, and what they cost.

    Attributes:
        images: a call.
        seconds: an image, with as many calls at the same time as the segmenter runs best.
        memory: bytes by which the process's largest memory grew; on CUDA that of the host.
    """

    images: int
    seconds: float
    memory: int


@dataclass(frozen=True)
class BatchSizes:
    """What was tried.

    Attributes:
        tried: from one image on, doubled each time.
        fastest: images a call.
        ended: why no more were tried.
    """

    tried: tuple[TriedBatch, ...]
    fastest: int
    ended: str


def measure_batch_sizes(segmenter: CountingSegmenter, image: Images) -> BatchSizes:
    """Forwards of one image (1, C, H, W), repeated.

    Which size is fastest is the clock's word and may change from run to run: it is for a user to read and to give as
    `--batch-size`, and no explanation asks for it by itself.

    Raises:
        ModelError: not even one image ran.
        InputError: not on Linux, which alone is asked for its memory.
    """
    if sys.platform != "linux":
        raise InputError(f"batch sizes are measured on Linux alone, this is {sys.platform}: try --batch-size yourself")
    tried: list[TriedBatch] = []
    for size in _SIZES:
        before = _largest_memory()
        try:
            seconds = _seconds(segmenter, np.repeat(image, size, axis=0))
        except (ModelError, MemoryError) as error:
            return _found(tried, f"{size} images a call failed: {error}")
        tried.append(TriedBatch(size, seconds, _largest_memory() - before))
        if seconds > _SLOWER * min(one.seconds for one in tried):
            return _found(tried, f"{size} images a call were slower")
        left = _free_memory()
        if 2 * tried[-1].memory > _SHARE * left:
            return _found(tried, f"{2 * size} images a call may need half of the {left >> 20} MB of memory left")
    return _found(tried, "no more are tried")


def _found(tried: list[TriedBatch], ended: str) -> BatchSizes:
    if not tried:
        raise ModelError(ended)
    return BatchSizes(tuple(tried), min(tried, key=lambda one: one.seconds).images, ended)


def _seconds(segmenter: CountingSegmenter, images: Images) -> float:
    """An image."""

    def forward(predict: Predict, images: Images) -> int:
        return len(predict(images))

    def run(calls: int) -> float:
        start = time.perf_counter()
        done = sum(segmenter.concurrently(forward, [images] * calls))
        return (time.perf_counter() - start) / done

    workers = segmenter.spec.workers
    warm = run(workers)
    calls = workers * max(1, round(_SECONDS / (warm * len(images) * workers)))
    return min(run(calls) for _ in range(_ROUNDS))


def _largest_memory() -> int:
    """Of this process so far, in bytes."""
    import resource  # noqa: PLC0415 - other systems have none

    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def _free_memory() -> int:
    return os.sysconf("SC_AVPHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
