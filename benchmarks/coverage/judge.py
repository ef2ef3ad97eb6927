"""One subject judged: both routes against the file and against the source framework, and the time they take."""

import statistics
import time
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from benchmarks.coverage.routes import ROUTES, Run
from benchmarks.coverage.subject import Array, Subject, relative_l2, relative_largest, session_of

_ROUNDS = 3


def judge(subject: Subject, deployed: Callable[[Array], Array]) -> dict[str, Any]:
    """Numbers of both routes, and seconds.

    Args:
        subject: what is judged.
        deployed: the file in ONNX Runtime, as `session_of` gives it.

    Returns:
        routes: a route's `forward` (largest difference from ONNX Runtime, as a share of the largest score),
        `agreement` (share of pixels with the same largest score), `gradient` (relative L2 from the source
        framework in float64), or `error`; `between_routes`: relative L2 of their gradients; `runtime_agreement`: of
        quantised files, the agreement of ONNX Runtime with and without its optimisations; seconds: medians of one
        forward and backward, taken in turns.
    """
    expected = deployed(subject.image)
    runs: dict[str, Run] = {}
    judged: dict[str, dict[str, Any]] = {}
    gradients: dict[str, Array] = {}
    for name, prepare in ROUTES.items():
        start = time.perf_counter()
        try:
            run = prepare(subject)
            scores, gradients[name] = run()
        except Exception as error:  # noqa: BLE001 - whatever goes wrong belongs into the table
            judged[name] = {"error": f"{type(error).__name__}: {error}"[:400]}
            continue
        runs[name] = run
        judged[name] = _differences(subject, scores, gradients[name], expected)
        judged[name]["build_seconds"] = time.perf_counter() - start
    between = relative_l2(gradients["onnx_gradient"], gradients["torch"]) if len(gradients) == len(ROUTES) else None
    timed: dict[str, Callable[[], object]] = {"runtime_forward": lambda: deployed(subject.image), **runs}
    if subject.eager is not None:
        timed["source"] = subject.eager
    found = {"routes": judged, "between_routes": between, "seconds": _in_turns(timed)}
    if subject.precision == "int8":
        plain = session_of(subject, optimised=False)
        found["runtime_agreement"] = _agreement(plain(subject.image), expected)
    return found


def _differences(subject: Subject, scores: Array, gradient: Array, expected: Array) -> dict[str, Any]:
    found: dict[str, Any] = {"forward": relative_largest(scores, expected), "agreement": _agreement(scores, expected)}
    if subject.gradient is not None:
        found["gradient"] = relative_l2(gradient, subject.gradient)
        found["cosine"] = _cosine(gradient, subject.gradient)
    return found


def _agreement(scores: Array, expected: Array) -> float:
    """Of the class with the largest score; of the sign about the middle where there is one class."""
    if scores.shape[1] > 1:
        return float(np.mean(scores.argmax(1) == expected.argmax(1)))
    middle = np.median(expected)
    return float(np.mean((scores > middle) == (expected > middle)))


def _cosine(found: Array, expected: Array) -> float:
    a, b = found.ravel().astype(np.float64), expected.ravel().astype(np.float64)
    return float(a @ b / ((np.linalg.norm(a) * np.linalg.norm(b)) or 1.0))


def _in_turns(timed: Mapping[str, Callable[[], object]]) -> dict[str, float]:
    """Medians; the machine may be shared, so that only times of the same rounds can be compared."""
    if "source" in timed:
        timed["source"]()  # the others have run once
    seconds: dict[str, list[float]] = {name: [] for name in timed}
    for _ in range(_ROUNDS):
        for name, run in timed.items():
            start = time.perf_counter()
            run()
            seconds[name].append(time.perf_counter() - start)
    return {name: statistics.median(values) for name, values in seconds.items()}
