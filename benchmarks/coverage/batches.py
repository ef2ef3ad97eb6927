"""More than one image: what the file does with two, and whether the library gives each its own answer."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.coverage.subject import Array, Subject, relative_largest
from misure_onnx.backends.onnx_runtime import OnnxRuntimeSegmenter
from misure_onnx.preprocessing import Preprocessing

_SAME = 2e-4
_HALF = 2e-2


def judge_batches(
    subject: Subject, deployed: Callable[[Array], Array], pair: Array, declared: Preprocessing | None = None
) -> dict[str, Any]:
    """Two images at once.

    Args:
        subject: the file.
        deployed: the file in ONNX Runtime, as `session_of` gives it.
        pair: two images in its own layout.
        declared: its preprocessing; None: the library's assumption, which only affects the probe.

    Returns:
        file: `right`, `mixes` (each image's scores depend on the other) or `refuses`, of the bare file.
        library: largest difference between `predict` of both and of each alone, a share of the largest score.
    """
    bound = _HALF if subject.precision == "fp16" else _SAME
    return {"file": _by_file(deployed, pair, bound), "library": _by_library(subject.path, pair, declared)}


def _by_file(run: Callable[[Array], Array], pair: Array, bound: float) -> str:
    alone = np.concatenate([run(pair[:1]), run(pair[1:])])
    try:
        together = run(pair)
    except Exception:  # noqa: BLE001 - ONNX Runtime's errors share no public base class
        return "refuses"
    right = together.shape == alone.shape and relative_largest(together, alone) <= bound
    return "right" if right else "mixes"


def _by_library(path: Path, pair: Array, declared: Preprocessing | None) -> float:
    segmenter = OnnxRuntimeSegmenter(path, preprocessing=declared, provider="cpu")
    if not segmenter.input.layout.startswith("NC"):
        pair = np.ascontiguousarray(np.moveaxis(pair, -1, 1))
    alone = np.concatenate([segmenter.predict(pair[:1]), segmenter.predict(pair[1:])])
    return relative_largest(segmenter.predict(pair), alone)
