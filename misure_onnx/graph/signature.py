"""What a segmentation graph takes and gives, found in the graph itself or declared by the user.

The layout letters: N images, C channels or classes, H rows, W columns; P = H*W pixels in one axis
(`NPL` and `NLP` are flattened outputs), so that every output can be brought to (N, L, H, W).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, cast, runtime_checkable

import numpy as np
import numpy.typing as npt
import onnx

from misure_onnx.errors import PreprocessingError, UnsupportedModel
from misure_onnx.graph.ending import find_ending, first_operator_on
from misure_onnx.preprocessing import Layout, OutputLayout, Preprocessing
from misure_onnx.scores import Head, ScoreKind

_DTYPES: dict[int, np.dtype[Any]] = {
    onnx.TensorProto.FLOAT: np.dtype(np.float32),
    onnx.TensorProto.FLOAT16: np.dtype(np.float16),
    onnx.TensorProto.DOUBLE: np.dtype(np.float64),
    onnx.TensorProto.UINT8: np.dtype(np.uint8),
}
_ARITHMETIC = frozenset({"Cast", "Sub", "Mul", "Div", "Add", "Identity", "BatchNormalization"})
_MANY_CHANNELS = 32


@dataclass(frozen=True)
class InputSignature:
    """The image input of a graph.

    Attributes:
        name: of the graph input.
        layout: its axes.
        dtype: float32, float16, float64 or uint8.
        channels: C.
        size: (height, width), or None where the graph leaves them free.
        batch: fixed batch size, or None where it is free.
    """

    name: str
    layout: Layout
    dtype: np.dtype[Any]
    channels: int
    size: tuple[int, int] | None
    batch: int | None

    def to_network(self, images: npt.NDArray[np.float32]) -> npt.NDArray[Any]:
        """(N, C, H, W) float32 -> the graph's own layout and dtype."""
        own = images if self.layout == "NCHW" else images.transpose(0, 2, 3, 1)
        if self.dtype == np.uint8:
            own = np.clip(np.rint(own), 0, 255)
        return np.ascontiguousarray(own, self.dtype)


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

    def to_scores(self, output: npt.NDArray[Any], input_size: tuple[int, int]) -> npt.NDArray[np.float32]:
        """The graph's output -> (N, L, h, w) float32 at the output's own size; a label map becomes one-hot."""
        size, n = self.size_of(output.shape, input_size), output.shape[0] if output.ndim > 2 else 1
        if self.head.kind == "labels":
            labels = output.reshape(n, 1, *size)
            return np.asarray(labels == np.arange(self.classes).reshape(1, -1, 1, 1), np.float32)
        if self.layout in ("NCHW", "NHW", "NLP"):
            return np.asarray(output.reshape(n, -1, *size), np.float32)
        return np.asarray(output.reshape(n, *size, -1), np.float32).transpose(0, 3, 1, 2)

    def size_of(self, shape: tuple[int, ...], input_size: tuple[int, int]) -> tuple[int, int]:
        """(height, width) of an output of `shape` for an input of `input_size`; a flattened one has the input's."""
        if self.layout == "NCHW":
            return shape[2], shape[3]
        if self.layout == "NHWC":
            return shape[1], shape[2]
        return (shape[-2], shape[-1]) if self.layout == "NHW" else input_size


def find_input(model: onnx.ModelProto, declared: Preprocessing) -> InputSignature:
    """The single image input of a graph.

    Raises:
        UnsupportedModel: not exactly one input, not rank 4, or another dtype.
        PreprocessingError: the layout cannot be told, or the declaration contradicts the graph.
    """
    initialisers = {tensor.name for tensor in model.graph.initializer}
    inputs = [value for value in model.graph.input if value.name not in initialisers]
    if len(inputs) != 1:
        raise UnsupportedModel(
            f"expected one image input, the model has {len(inputs)}: {', '.join(i.name for i in inputs) or 'none'}"
        )
    tensor = inputs[0].type.tensor_type
    dims = [d.dim_value if d.HasField("dim_value") else None for d in tensor.shape.dim]
    if len(dims) != 4:
        raise UnsupportedModel(
            f"expected an image input of rank 4 (N,C,H,W or N,H,W,C), input {inputs[0].name!r} has rank {len(dims)}"
            + (": volumes are not supported" if len(dims) == 5 else "")
        )
    if tensor.elem_type not in _DTYPES:
        raise UnsupportedModel(
            f"input {inputs[0].name!r} is {onnx.TensorProto.DataType.Name(tensor.elem_type)}; "
            "expected FLOAT, FLOAT16, DOUBLE or UINT8"
        )
    layout = declared.layout or _input_layout(model, inputs[0].name, dims)
    channels, height, width = _in_order(dims, layout)
    if channels is None:
        channels = 1 if declared.color == "GRAY" else max(3, len(declared.mean))
    size = (height, width) if height and width else None
    return InputSignature(
        name=inputs[0].name,
        layout=layout,
        dtype=_DTYPES[tensor.elem_type],
        channels=channels,
        size=_agreed_size(size, declared.size),
        batch=declared.batch or dims[0] or None,
    )


def _in_order(dims: list[int | None], layout: Layout) -> tuple[int | None, int | None, int | None]:
    return (dims[1], dims[2], dims[3]) if layout == "NCHW" else (dims[3], dims[1], dims[2])


def _input_layout(model: onnx.ModelProto, name: str, dims: list[int | None]) -> Layout:
    """By the number of channels; where that does not tell, by what the graph does with the image first."""
    first, last = dims[1], dims[3]
    few_first = first is not None and 1 <= first <= _MANY_CHANNELS
    few_last = last is not None and 1 <= last <= _MANY_CHANNELS
    if few_first != few_last:
        return "NCHW" if few_first else "NHWC"
    reader = first_operator_on(model, name, _ARITHMETIC)
    if reader is not None and reader.op_type == "Transpose":
        order = next((list(a.ints) for a in reader.attribute if a.name == "perm"), [])
        if order == [0, 3, 1, 2]:
            return "NHWC"
    if reader is not None and reader.op_type == "Conv":
        return "NCHW"
    raise PreprocessingError(
        f"the layout of input {name!r} with shape {dims} cannot be told: declare 'layout: NCHW' or 'layout: NHWC'"
    )


def _agreed_size(own: tuple[int, int] | None, declared: tuple[int, int] | None) -> tuple[int, int] | None:
    if own and declared and own != declared:
        raise PreprocessingError(f"the model takes {own[0]}x{own[1]} images, size {list(declared)} was declared")
    return own or declared


def candidate_heads(
    probe: Mapping[str, npt.NDArray[Any]], size: tuple[int, int]
) -> dict[str, tuple[OutputLayout, int]]:
    """The outputs that can be a segmentation of an image of `size`: name -> (layout, classes).

    Args:
        probe: the graph's outputs for one image.
        size: (height, width) of that image.
    """
    found = {name: _output_layout(array.shape, size) for name, array in probe.items() if array.dtype.kind in "fiub"}
    return {name: layout for name, layout in found.items() if layout is not None}


def _output_layout(shape: tuple[int, ...], size: tuple[int, int]) -> tuple[OutputLayout, int] | None:
    pixels = size[0] * size[1]
    if len(shape) == 4:
        return _rank_4_layout(shape, size)
    if len(shape) == 3 and pixels == shape[1] and pixels != shape[2]:
        return "NPL", shape[2]
    if len(shape) == 3 and pixels == shape[2]:
        return "NLP", shape[1]
    if len(shape) in (2, 3) and _same_aspect(shape[-2:], size):
        return "NHW", 1
    return None


def _rank_4_layout(shape: tuple[int, ...], size: tuple[int, int]) -> tuple[OutputLayout, int] | None:
    first, last = _same_aspect(shape[2:], size), _same_aspect(shape[1:3], size)
    if first and last:  # (N, L, H, W) with as many classes as rows is possible, but the smaller extent is likelier
        first, last = shape[1] <= shape[3], shape[1] > shape[3]
    if first:
        return "NCHW", shape[1]
    return ("NHWC", shape[3]) if last else None


def _same_aspect(spatial: tuple[int, ...], size: tuple[int, int]) -> bool:
    """The size itself, or one that was shrunk or grown by about the same factor in both directions."""
    if min(spatial) < 2:
        return False
    rows, columns = size[0] / spatial[0], size[1] / spatial[1]
    return tuple(spatial) == size or (0.9 < rows / columns < 1.1 and 1 / 4 <= rows <= 32)


def find_output(
    model: onnx.ModelProto, probe: Mapping[str, npt.NDArray[Any]], size: tuple[int, int], declared: Preprocessing
) -> OutputSignature:
    """The output to explain and what its numbers mean.

    Raises:
        UnsupportedModel: no output is a segmentation (a classifier's, for instance).
        PreprocessingError: the declared head does not exist.
    """
    heads = candidate_heads(probe, size)
    shapes = ", ".join(f"{name} {list(array.shape)}" for name, array in probe.items())
    if declared.head and declared.head not in probe:
        raise PreprocessingError(f"the model has no output {declared.head!r}; its outputs are {shapes}")
    if not heads or (declared.head and declared.head not in heads):
        raise UnsupportedModel(
            f"no output is a segmentation of the {size[0]}x{size[1]} input: {shapes}. Expected (N,L,H,W), (N,H,W,L), "
            "(N,H,W) or flattened (N,H*W,L); a classifier's or detector's output cannot be explained here"
        )
    name = declared.head or next(iter(heads))
    layout, classes = heads[name]
    if declared.output_layout and declared.output_layout != layout:
        layout, classes = _declared_layout(declared.output_layout, probe[name].shape)
    kind = declared.output or _score_kind(model, name, probe[name], layout)
    if kind == "labels":
        classes = _label_classes(model, name, probe[name], declared)
    return OutputSignature(name, layout, classes, Head(kind, declared.threshold))


def _declared_layout(layout: OutputLayout, shape: tuple[int, ...]) -> tuple[OutputLayout, int]:
    rank, class_axis = {"NCHW": (4, 1), "NHWC": (4, 3), "NHW": (3, None), "NPL": (3, 2), "NLP": (3, 1)}[layout]
    if len(shape) != rank:
        raise PreprocessingError(f"output_layout {layout} was declared, but the output has shape {list(shape)}")
    return layout, 1 if class_axis is None else shape[class_axis]


def _score_kind(model: onnx.ModelProto, name: str, values: npt.NDArray[Any], layout: OutputLayout) -> ScoreKind:
    """By the last deciding operator; where there is none, by the values of the probe."""
    ending = find_ending(model, name)
    if values.dtype.kind in "iub" or ending.kind in ("argmax", "threshold"):
        return "labels"
    if ending.kind in ("softmax", "sigmoid"):
        return cast("ScoreKind", ending.kind)
    single = layout == "NHW" or values.shape[{"NCHW": 1, "NHWC": 3, "NPL": 2, "NLP": 1}[layout]] == 1
    within = bool(values.min() >= 0 and values.max() <= 1)
    if single:
        return "sigmoid" if within else "sigmoid_logits"
    class_axis = {"NCHW": 1, "NLP": 1, "NHWC": 3, "NPL": 2}[layout]
    if within and np.allclose(values.sum(axis=class_axis), 1, atol=1e-3):
        return "softmax"
    return "logits"


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


@runtime_checkable
class GraphBacked(Protocol):
    """A segmenter that runs an ONNX file: what a gradient route needs to know about it."""

    @property
    def path(self) -> Path:
        """The ONNX file."""

    @property
    def input(self) -> InputSignature:
        """Its image input."""

    @property
    def output(self) -> OutputSignature:
        """The output that is explained."""
