"""What is judged: a file, an image, and what the gradient should be."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import onnx
import onnxruntime as ort

from misure_onnx.graph.exposed import with_float_input

Array = npt.NDArray[Any]
Precision = Literal["fp32", "fp16", "int8"]
_SILENT = 4


@dataclass(frozen=True, eq=False)
class Subject:
    """A graph and one question about it: d(sum(upstream * scores))/d(image).

    Attributes:
        path: the file.
        precision: of the file.
        image: (1, ...) float32, in the file's own layout.
        scores: the differentiated tensor; an output of the graph, or what precedes an ArgMax.
        upstream: of the shape of the scores, float32.
        gradient: float64, of the source framework's own network; None where there is only the file.
        eager: forward and backward of that network with frozen weights, for timing.
    """

    path: Path
    precision: Precision
    image: Array
    scores: str
    upstream: Array
    gradient: Array | None = None
    eager: Callable[[], object] | None = None

    def model(self) -> onnx.ModelProto:
        """The graph with its weights."""
        return onnx.load(self.path)


def session_of(subject: Subject, *, optimised: bool = True, unrounded: bool = False) -> Callable[[Array], Array]:
    """One thread of ONNX Runtime; with all its optimisations, as it is deployed, or with none.

    Args:
        subject: the file and its scores.
        optimised: whether ONNX Runtime may change the graph.
        unrounded: feed a file that takes bytes with float32 instead; nothing else is changed.
    """
    model = subject.model()
    taken_as = model.graph.input[0]
    if unrounded and taken_as.type.tensor_type.elem_type == onnx.TensorProto.UINT8:
        model = with_float_input(model, taken_as.name)
    if subject.scores not in [value.name for value in model.graph.output]:
        model.graph.output.append(onnx.ValueInfoProto(name=subject.scores))
    options = ort.SessionOptions()
    options.log_severity_level = _SILENT
    options.intra_op_num_threads = 1
    if not optimised:
        options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_DISABLE_ALL
    session = ort.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
    taken = session.get_inputs()[0]
    dtype = {"tensor(float16)": np.float16, "tensor(uint8)": np.uint8}.get(taken.type, np.float32)

    def run(images: Array) -> Array:
        scores = session.run([subject.scores], {taken.name: images.astype(dtype)})[0]
        return np.asarray(scores, np.float32)

    return run


def relative_largest(found: Array, expected: Array) -> float:
    """The largest difference as a share of the largest expected value."""
    scale = float(np.abs(expected).max()) or 1.0
    return float(np.abs(found.astype(np.float64) - expected).max() / scale)


def relative_l2(found: Array, expected: Array) -> float:
    """|found - expected| / |expected|."""
    scale = float(np.linalg.norm(expected.ravel().astype(np.float64))) or 1.0
    return float(np.linalg.norm((found.astype(np.float64) - expected).ravel()) / scale)
