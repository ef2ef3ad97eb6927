"""The output that is explained, and what its numbers mean.

The layout letters: N images, L classes, H rows, W columns, D slices; P = H*W pixels in one axis (`NPL` and `NLP` are
flattened outputs), so that every output can be brought to (N, L, H, W), a volume's to (N, L, D, H, W).
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, cast

import numpy as np
import numpy.typing as npt
import onnx

from misure_onnx.errors import ModelOutputError, PreprocessingError, UnsupportedModel
from misure_onnx.graph.ending import find_ending
from misure_onnx.preprocessing import OutputLayout, Preprocessing
from misure_onnx.scores import Head, ScoreKind
from misure_onnx.sizes import by
from misure_onnx.types import Size


@dataclass(frozen=True)
class OutputSignature:
    """The output that is explained.

    Attributes:
        name: of the graph output.
        layout: its axes.
        classes: L.
        head: what its numbers mean.
    """

    name: str
    layout: OutputLayout
    classes: int
    head: Head

    @property
    def classes_first(self) -> bool:
        """Whether the classes come before the pixels, or have no axis."""
        return self.layout not in ("NHWC", "NDHWC", "NPL")

    def to_scores(self, output: npt.NDArray[Any], input_size: Size) -> npt.NDArray[np.float32]:
        """The graph's output -> (N, L, h, w) float32 at the output's own size; a label map becomes one-hot."""
        size = self.size_of(output.shape, input_size)
        n = output.shape[0] if output.ndim > len(size) else 1
        if self.head.kind == "labels":
            return self._one_hot(output.reshape(n, 1, *size))
        if self.classes_first:
            return np.asarray(output.reshape(n, -1, *size), np.float32)
        return np.moveaxis(np.asarray(output.reshape(n, *size, -1), np.float32), -1, 1)

    def _one_hot(self, labels: npt.NDArray[Any]) -> npt.NDArray[np.float32]:
        low, high = labels.min(), labels.max()
        if low < 0 or high >= self.classes:
            raise ModelOutputError(
                f"expected labels from 0 to {self.classes - 1}, got {low if low < 0 else high} from output "
                f"{self.name!r}: declare 'class_names', one a label"
            )
        numbers = np.arange(self.classes).reshape(-1, *[1] * (labels.ndim - 2))
        return np.asarray(labels == numbers, np.float32)

    def size_of(self, shape: tuple[int, ...], input_size: Size) -> Size:
        """(height, width) of an output of `shape` for an input of `input_size`; a flattened one has the input's."""
        if self.layout in ("NPL", "NLP"):
            return input_size
        if self.layout in ("NHWC", "NDHWC"):
            return shape[1:-1]
        return shape[2:] if self.layout in ("NCHW", "NCDHW") else shape[-len(input_size) :]


def candidate_heads(
    probe: Mapping[str, npt.NDArray[Any]], images: tuple[int, ...], declared: OutputLayout | None = None
) -> dict[str, tuple[OutputLayout, int]]:
    """The outputs that can be a segmentation of images: name -> (layout, classes).

    Args:
        probe: the graph's outputs.
        images: (N, H, W) or (N, D, H, W), number and size of the images that they are for.
        declared: the layout, where the user knows it.
    """
    n, size = images[0], images[1:]
    numbers = {name: array for name, array in probe.items() if array.dtype.kind in "fiub" and array.size}
    arrays = {name: a for name, a in numbers.items() if a.shape[:1] == (n,) or (a.ndim == len(size) and n == 1)}
    if declared:
        rank = len(_AXES[declared])
        return {n: (declared, _classes(a.shape, declared)) for n, a in arrays.items() if a.ndim == rank}
    found = {name: _output_layout(array.shape, size) for name, array in arrays.items()}
    return {name: layout for name, layout in found.items() if layout is not None}


def _output_layout(shape: tuple[int, ...], size: Size) -> tuple[OutputLayout, int] | None:
    pixels, axes = math.prod(size), len(size)
    if len(shape) == axes + 2:
        return _layout_with_classes(shape, size)
    if len(shape) == 3 and pixels == shape[1] and pixels != shape[2]:
        return "NPL", shape[2]
    if len(shape) == 3 and pixels == shape[2]:
        return "NLP", shape[1]
    if len(shape) in (axes, axes + 1) and _same_aspect(shape[-axes:], size):
        return _WITHOUT_CLASSES[axes], 1
    return None


_WITH_CLASSES: dict[int, tuple[OutputLayout, OutputLayout]] = {2: ("NCHW", "NHWC"), 3: ("NCDHW", "NDHWC")}
_WITHOUT_CLASSES: dict[int, OutputLayout] = {2: "NHW", 3: "NDHW"}


def _layout_with_classes(shape: tuple[int, ...], size: Size) -> tuple[OutputLayout, int] | None:
    classes_first, classes_last = _WITH_CLASSES[len(size)]
    first, last = _same_aspect(shape[2:], size), _same_aspect(shape[1:-1], size)
    if first and last:  # as many classes as rows or so: the likelier one keeps the aspect
        first = _distortion(shape[2:], size) <= _distortion(shape[1:-1], size)
    if first:
        return classes_first, shape[1]
    return (classes_last, shape[-1]) if last else None


def _factors(spatial: tuple[int, ...], size: Size) -> list[float]:
    return [extent / own for extent, own in zip(size, spatial, strict=True)]


def _distortion(spatial: tuple[int, ...], size: Size) -> float:
    factors = _factors(spatial, size)
    return math.log(max(factors) / min(factors))


def _same_aspect(spatial: tuple[int, ...], size: Size) -> bool:
    """The size itself, or one that was shrunk or grown by about the same factor in all directions."""
    if min(spatial) < 2:
        return False
    factors = _factors(spatial, size)
    alike = max(factors) / min(factors) < 1.1 and 1 / 4 <= factors[0] <= 32
    return tuple(spatial) == size or alike


def find_output(
    model: onnx.ModelProto,
    probe: Mapping[str, npt.NDArray[Any]],
    images: tuple[int, ...],
    declared: Preprocessing,
) -> OutputSignature:
    """The output to explain and what its numbers mean; the arguments are those of `candidate_heads`.

    Raises:
        UnsupportedModel: no output is a segmentation (a classifier's, for instance).
        PreprocessingError: the declared head does not exist, or the declaration contradicts the output.
    """
    heads = candidate_heads(probe, images, declared.output_layout)
    shapes = ", ".join(f"{name} {list(array.shape)}" for name, array in probe.items()) or "none is an array"
    if declared.head and declared.head not in probe:
        raise PreprocessingError(f"the model has no output {declared.head!r}; its outputs are {shapes}")
    if not heads or (declared.head and declared.head not in heads):
        if declared.output_layout:
            raise PreprocessingError(f"output_layout {declared.output_layout} does not fit the outputs: {shapes}")
        raise UnsupportedModel(
            f"no output is a segmentation of {images[0]} images {by(images[1:])}: {shapes}. Expected "
            "(N,L,H,W), (N,H,W,L), (N,H,W) or flattened (N,H*W,L), of volumes with one axis more; a classifier's or "
            "detector's output cannot be explained here"
        )
    name = declared.head or next(iter(heads))
    layout, classes = heads[name]
    kind = declared.output or _score_kind(model, name, probe[name], layout)
    if kind == "labels":
        if classes > 1:
            raise PreprocessingError(f"output labels was declared, but {name!r} has {classes} channels, not one")
        classes = _label_classes(model, name, probe[name], declared)
    declared.check_scores(kind, classes)
    return OutputSignature(name, layout, classes, Head(kind, declared.threshold))


_AXES: dict[OutputLayout, str] = {
    "NCHW": "NLHW",
    "NHWC": "NHWL",
    "NHW": "NHW",
    "NPL": "NPL",
    "NLP": "NLP",
    "NCDHW": "NLDHW",
    "NDHWC": "NDHWL",
    "NDHW": "NDHW",
}


def _classes(shape: tuple[int, ...], layout: OutputLayout) -> int:
    axis = _AXES[layout].find("L")
    return 1 if axis < 0 else shape[axis]


def _score_kind(model: onnx.ModelProto, name: str, values: npt.NDArray[Any], layout: OutputLayout) -> ScoreKind:
    """By the last deciding operator; where there is none, by the values of the probe."""
    ending, single = find_ending(model, name), _classes(values.shape, layout) == 1
    if single and (ending.kind in ("argmax", "threshold") or _are_labels(values)):
        return "labels"
    if ending.kind in ("softmax", "sigmoid"):
        return cast("ScoreKind", ending.kind)
    if not np.all((values >= 0) & (values <= 1)):
        return "sigmoid_logits" if single else "logits"
    if not single and np.allclose(values.sum(axis=_AXES[layout].index("L"), dtype=np.float64), 1, atol=1e-3):
        return "softmax"
    return "sigmoid"


def _are_labels(values: npt.NDArray[Any]) -> bool:
    if values.dtype.kind in "iub":
        return True
    counts = bool(np.isfinite(values).all() and values.min() >= 0 and values.max() > 1)
    return counts and np.array_equal(values, np.rint(values))


def _label_classes(model: onnx.ModelProto, name: str, values: npt.NDArray[Any], declared: Preprocessing) -> int:
    """Declared names; else the extent of the axis that ArgMax reduces; else two, or what the probe showed."""
    if declared.class_names:
        return len(declared.class_names)
    ending = find_ending(model, name)
    if ending.kind == "argmax" and ending.axis is not None:
        inferred = onnx.shape_inference.infer_shapes(model)
        for value in (*inferred.graph.value_info, *inferred.graph.output):
            dims = value.type.tensor_type.shape.dim
            if value.name == ending.scores and dims and dims[ending.axis].dim_value:
                return int(dims[ending.axis].dim_value)
    return max(2, int(values.max()) + 1)
