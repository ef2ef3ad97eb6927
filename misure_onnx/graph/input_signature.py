"""The image input of a graph, found in the graph itself or declared by the user.

The layout letters: N images, C channels, H rows, W columns, D slices of a volume.
"""

import math
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
import onnx

from misure_onnx.errors import PreprocessingError, UnsupportedModel
from misure_onnx.graph.ending import first_operator_on
from misure_onnx.images import MAX_PIXELS
from misure_onnx.preprocessing import Layout, Preprocessing
from misure_onnx.sizes import by
from misure_onnx.types import Size
from misure_onnx.volumes import MAX_VOXELS

_DTYPES: dict[int, np.dtype[Any]] = {
    onnx.TensorProto.FLOAT: np.dtype(np.float32),
    onnx.TensorProto.FLOAT16: np.dtype(np.float16),
    onnx.TensorProto.DOUBLE: np.dtype(np.float64),
    onnx.TensorProto.UINT8: np.dtype(np.uint8),
}
_ARITHMETIC = frozenset({"Cast", "Sub", "Mul", "Div", "Add", "Identity", "BatchNormalization"})
_USUAL_CHANNELS, _MANY_CHANNELS = (1, 3, 4), 32


@dataclass(frozen=True)
class InputSignature:
    """The image input of a graph.

    Attributes:
        name: of the graph input.
        layout: its axes.
        dtype: float32, float16, float64 or uint8.
        channels: C.
        size: (height, width) or (depth, height, width), or None where the graph leaves them free.
        rank: 2 for images, 3 for volumes.
        batch: fixed batch size, or None where it is free.
    """

    name: str
    layout: Layout
    dtype: np.dtype[Any]
    channels: int
    size: Size | None
    batch: int | None
    rank: int = 2

    def in_layout(self, images: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        """(N, C, H, W) -> the graph's own layout, values untouched."""
        return images if self.layout.startswith("NC") else _channels_last(images)

    def filled(self, images: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        """As many images as the graph is fixed to: copies of the last one are appended."""
        missing = (self.batch or len(images)) - len(images)
        return np.concatenate([images, np.repeat(images[-1:], missing, axis=0)]) if missing > 0 else images

    def to_network(self, images: npt.NDArray[np.float32]) -> npt.NDArray[Any]:
        """(N, C, H, W) float32 -> the graph's own layout and dtype."""
        own = self.in_layout(images)
        if self.dtype == np.uint8:
            own = np.clip(np.rint(own), 0, 255)
        return np.ascontiguousarray(own, self.dtype)


def _channels_last(images: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """(N, C, H, W) -> (N, H, W, C); OpenCV interleaves channels five times faster than a transposed copy."""
    if images.ndim == 5:
        return images.transpose(0, 2, 3, 4, 1)
    n, channels, height, width = images.shape
    merged = np.empty((n, height, width, channels), np.float32)
    for image, own in zip(images, merged, strict=True):
        own[:] = cv2.merge(list(image)).reshape(own.shape)
    return merged


def find_input(model: onnx.ModelProto, declared: Preprocessing) -> InputSignature:
    """The single image input of a graph.

    Raises:
        UnsupportedModel: not exactly one input, neither rank 4 nor 5, or another dtype.
        PreprocessingError: the layout cannot be told, or the declaration contradicts the graph.
    """
    initialisers = {tensor.name for tensor in model.graph.initializer}
    inputs = [value for value in model.graph.input if value.name not in initialisers]
    if len(inputs) != 1:
        raise UnsupportedModel(
            f"expected one image input, the model has {len(inputs)}: {', '.join(i.name for i in inputs) or 'none'}"
        )
    tensor = inputs[0].type.tensor_type
    dims = [d.dim_value if d.dim_value > 0 else None for d in tensor.shape.dim]  # some exporters write -1 for free
    if len(dims) not in (4, 5):
        raise UnsupportedModel(
            f"expected an image input of rank 4 (N,C,H,W or N,H,W,C) or a volume's of rank 5, "
            f"input {inputs[0].name!r} has rank {len(dims)}"
        )
    if tensor.elem_type not in _DTYPES:
        raise UnsupportedModel(
            f"input {inputs[0].name!r} is {_type_name(tensor.elem_type)}; expected FLOAT, FLOAT16, DOUBLE or UINT8"
        )
    layout = declared.layout or _input_layout(model, inputs[0].name, dims)
    if len(layout) != len(dims):
        raise PreprocessingError(f"layout {layout} was declared, input {inputs[0].name!r} has {len(dims)} axes")
    channels, *spatial = _in_order(dims, layout)
    if channels is None:
        usual = 3 if len(dims) == 4 else 1
        channels = 1 if declared.color == "GRAY" else max(usual, len(declared.mean))
    return InputSignature(
        name=inputs[0].name,
        layout=layout,
        dtype=_DTYPES[tensor.elem_type],
        channels=channels,
        size=_bounded(_agreed_size(spatial, declared.size)),
        batch=_agreed_batch(dims[0], declared.batch),
        rank=len(spatial),
    )


def _bounded(size: Size | None) -> Size | None:
    most = MAX_PIXELS if size and len(size) == 2 else MAX_VOXELS
    if size and math.prod(size) > most:
        raise UnsupportedModel(f"the model takes images {by(size)}; at most {most:,} pixels are accepted")
    return size


def _type_name(element_type: int) -> str:
    known = element_type in onnx.TensorProto.DataType.values()
    return onnx.TensorProto.DataType.Name(element_type) if known else f"of the unknown type {element_type}"


def _in_order(dims: list[int | None], layout: Layout) -> list[int | None]:
    """Channels first, the spatial ones behind."""
    return dims[1:] if layout.startswith("NC") else [dims[-1], *dims[1:-1]]


def _input_layout(model: onnx.ModelProto, name: str, dims: list[int | None]) -> Layout:
    """By the number of channels; where that does not tell, by what the graph does with the image first."""
    channels_first, channels_last = _LAYOUTS[len(dims)]
    first, last = dims[1], dims[-1]
    for usual in (_USUAL_CHANNELS, range(1, _MANY_CHANNELS + 1)):
        if (first in usual) != (last in usual):
            return channels_first if first in usual else channels_last
    reader = first_operator_on(model, name, _ARITHMETIC)
    if reader is not None and reader.op_type == "Transpose":
        order = next((list(a.ints) for a in reader.attribute if a.name == "perm"), [])
        if order == [0, len(dims) - 1, *range(1, len(dims) - 1)]:
            return channels_last
    if reader is not None and reader.op_type == "Conv":
        return channels_first
    raise PreprocessingError(
        f"the layout of input {name!r} with shape {dims} cannot be told: declare 'layout: {channels_first}' or "
        f"'layout: {channels_last}'"
    )


_LAYOUTS: dict[int, tuple[Layout, Layout]] = {4: ("NCHW", "NHWC"), 5: ("NCDHW", "NDHWC")}


def _agreed_size(own: list[int | None], declared: Size | None) -> Size | None:
    axes = "height x width" if len(own) == 2 else "depth x height x width"
    taken = f"the model takes images {'x'.join(str(extent or '?') for extent in own)} ({axes})"
    if declared:
        fits = len(declared) == len(own) and all(a in (None, b) for a, b in zip(own, declared, strict=True))
        if not fits:
            raise PreprocessingError(f"{taken}, size {list(declared)} was declared")
        return declared
    if None not in own:
        return tuple(extent for extent in own if extent)
    if any(own):
        raise PreprocessingError(f"{taken}: declare 'size: [{axes.replace(' x ', ', ')}]' for the free sides")
    return None


def _agreed_batch(own: int | None, declared: int | None) -> int | None:
    if own and declared and own != declared:
        raise PreprocessingError(f"the model takes {own} images a call, batch {declared} was declared")
    return own or declared
