"""Tiny ONNX segmenters whose answers can be computed by hand. N != C != H != W wherever a layout is tested."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
from onnx import TensorProto, helper, numpy_helper

Array = npt.NDArray[np.generic]

SIZE, CLASSES = (20, 24), 5


def save_model(
    path: Path,
    nodes: Sequence[onnx.NodeProto],
    *,
    input_shape: Sequence[int | str | None],
    constants: Mapping[str, Array] | None = None,
    outputs: Sequence[str] = ("scores",),
    input_type: int = TensorProto.FLOAT,
    output_type: int = TensorProto.FLOAT,
    opset: int = 17,
    metadata: dict[str, str] | None = None,
) -> Path:
    """Writes a model with the input `image`; output shapes are left to the runtime."""
    graph = helper.make_graph(
        list(nodes),
        "tiny",
        [helper.make_tensor_value_info("image", input_type, input_shape)],
        [helper.make_tensor_value_info(name, output_type, None) for name in outputs],
        [numpy_helper.from_array(np.asarray(value), name) for name, value in (constants or {}).items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=8)
    if metadata:
        helper.set_model_props(model, metadata)
    onnx.save(model, path)
    return path


def bright_pixels(path: Path, *, size: tuple[int, ...] = SIZE, batch: int | str = "N") -> Path:
    """Class 1 exactly where the single channel is above 0.5: logits (0.5 - x, x - 0.5), each pixel for itself."""
    nodes = [
        helper.make_node("Sub", ["image", "half"], ["above"]),
        helper.make_node("Neg", ["above"], ["below"]),
        helper.make_node("Concat", ["below", "above"], ["scores"], axis=1),
    ]
    return save_model(path, nodes, input_shape=[batch, 1, *size], constants={"half": np.array(0.5, np.float32)})


def key_region(
    path: Path, *, object_region: npt.NDArray[np.bool_], key: npt.NDArray[np.bool_], gain: float = 8.0
) -> Path:
    """The object appears as a whole if and only if the mean of the single channel over `key` is above 0.5.

    Logits: 0 for the background; gain * (mean - 0.5) on the object, -gain elsewhere. Only the pixels of
    `key` matter, whatever the object's shape.
    """
    constants: dict[str, Array] = {
        "weights": (key / key.sum()).astype(np.float32)[None, None],
        "half": np.array(0.5, np.float32),
        "gain": np.array(gain, np.float32),
        "inside": object_region.astype(np.float32)[None, None],
        "outside": (-gain * ~object_region).astype(np.float32)[None, None],
        "zero": np.array(0, np.float32),
    }
    nodes = [
        helper.make_node("Mul", ["image", "weights"], ["weighted"]),
        helper.make_node("ReduceSum", ["weighted", "axes"], ["mean"], keepdims=1),
        helper.make_node("Sub", ["mean", "half"], ["centred"]),
        helper.make_node("Mul", ["centred", "gain"], ["evidence"]),
        helper.make_node("Mul", ["evidence", "inside"], ["on_object"]),
        helper.make_node("Add", ["on_object", "outside"], ["object"]),
        helper.make_node("Mul", ["object", "zero"], ["background"]),
        helper.make_node("Concat", ["background", "object"], ["scores"], axis=1),
    ]
    constants["axes"] = np.arange(1, 2 + key.ndim)
    return save_model(path, nodes, input_shape=["N", 1, *object_region.shape], constants=constants)


def uniform(path: Path, *, size: tuple[int, ...] = SIZE) -> Path:
    """Class 1 of three everywhere, whatever the image."""
    logits = np.array([0, 2, 1], np.float32).reshape(1, 3, *[1] * len(size))
    nodes = [
        helper.make_node("ReduceMean", ["image"], ["mean"], axes=[1], keepdims=1),
        helper.make_node("Mul", ["mean", "zero"], ["nothing"]),
        helper.make_node("Add", ["nothing", "logits"], ["scores"]),
    ]
    return save_model(
        path,
        nodes,
        input_shape=["N", 3, *size],
        constants={"zero": np.array(0, np.float32), "logits": logits},
    )


def small_network(
    path: Path, *, size: tuple[int, ...] = SIZE, channels: int = 3, classes: int = 4, batch: int | str = "N"
) -> Path:
    """Two convolutions with fixed random weights, logits out: a real, smooth enough function."""
    rng = np.random.default_rng(7)
    kernel, pads = [5] * len(size), [2, 2] * len(size)
    constants: dict[str, Array] = {
        "w1": rng.normal(0, 0.4, (8, channels, *kernel)).astype(np.float32),
        "b1": rng.normal(0, 0.1, 8).astype(np.float32),
        "w2": rng.normal(0, 0.4, (classes, 8, *kernel)).astype(np.float32),
        "b2": rng.normal(0, 0.1, classes).astype(np.float32),
    }
    nodes = [
        helper.make_node("Conv", ["image", "w1", "b1"], ["hidden"], pads=pads),
        helper.make_node("Tanh", ["hidden"], ["active"]),
        helper.make_node("Conv", ["active", "w2", "b2"], ["scores"], pads=pads),
    ]
    return save_model(path, nodes, input_shape=[batch, channels, *size], constants=constants)


def _conv(source: str, result: str, weights: str, **more: Any) -> onnx.NodeProto:
    return helper.make_node("Conv", [source, weights], [result], pads=[1, 1, 1, 1], **more)


def small_u_net(path: Path) -> Path:
    """Full size, half, a quarter (the bottleneck, two convolutions), up again with a skip; a pooled side branch."""
    rng = np.random.default_rng(3)
    shapes = {"w1": (4, 3, 3, 3), "w2": (6, 4, 3, 3), "w3": (8, 6, 3, 3), "w4": (8, 8, 3, 3), "w5": (2, 12, 3, 3)}
    constants: dict[str, Array] = {n: rng.normal(0, 0.3, s).astype(np.float32) for n, s in shapes.items()}
    constants["w6"] = rng.normal(0, 0.3, (8, 8, 1, 1)).astype(np.float32)
    constants["up"] = np.array([1, 1, 4, 4], np.float32)
    nodes = [
        _conv("image", "c1", "w1"),
        helper.make_node("Relu", ["c1"], ["full"]),
        _conv("full", "c2", "w2", strides=[2, 2]),
        helper.make_node("Relu", ["c2"], ["half"]),
        _conv("half", "c3", "w3", strides=[2, 2]),
        helper.make_node("Relu", ["c3"], ["quarter"]),
        helper.make_node("GlobalAveragePool", ["quarter"], ["pooled"]),
        helper.make_node("Conv", ["pooled", "w6"], ["squeezed"]),
        helper.make_node("Sigmoid", ["squeezed"], ["excited"]),
        helper.make_node("Mul", ["quarter", "excited"], ["weighed"]),
        _conv("weighed", "c4", "w4"),
        helper.make_node("Relu", ["c4"], ["bottleneck"]),
        helper.make_node("Resize", ["bottleneck", "", "up"], ["grown"], mode="linear"),
        helper.make_node("Concat", ["grown", "full"], ["joined"], axis=1),
        _conv("joined", "logits", "w5"),
        helper.make_node("Softmax", ["logits"], ["scores"], axis=1),
        helper.make_node("Neg", ["half"], ["unused"]),
    ]
    return save_model(path, nodes, input_shape=["N", 3, *SIZE], constants=constants)


def of_tokens(path: Path, *, class_token: bool = False) -> Path:
    """4x4 patches -> tokens (1, 5*6, 7) -> a mixing product -> feature maps -> scores."""
    rng = np.random.default_rng(1)
    constants: dict[str, Array] = {
        "patches": rng.normal(0, 0.3, (7, 3, 4, 4)).astype(np.float32),
        "mix": rng.normal(0, 0.3, (7, 7)).astype(np.float32),
        "head": rng.normal(0, 0.3, (2, 7, 1, 1)).astype(np.float32),
        "flat": np.array([1, 7, -1], np.int64),
        "maps": np.array([1, 7, SIZE[0] // 4, SIZE[1] // 4], np.int64),
        "cls": np.zeros((1, 1, 7), np.float32),
        "one": np.array([1], np.int64),
        "all": np.array([1000], np.int64),
        "up": np.array([1, 1, 4, 4], np.float32),
    }
    tokens = "with_class" if class_token else "tokens"
    nodes = [
        helper.make_node("Conv", ["image", "patches"], ["embedded"], strides=[4, 4]),
        helper.make_node("Reshape", ["embedded", "flat"], ["rows"]),
        helper.make_node("Transpose", ["rows"], ["tokens"], perm=[0, 2, 1]),
        helper.make_node("Concat", ["cls", "tokens"], ["with_class"], axis=1),
        helper.make_node("MatMul", [tokens, "mix"], ["mixed"]),
        helper.make_node("Slice", ["mixed", "one", "all", "one"], ["kept"]),
        helper.make_node("Transpose", ["kept" if class_token else "mixed"], ["columns"], perm=[0, 2, 1]),
        helper.make_node("Reshape", ["columns", "maps"], ["map"]),
        helper.make_node("Conv", ["map", "head"], ["small"]),
        helper.make_node("Resize", ["small", "", "up"], ["scores"], mode="nearest"),
    ]
    return save_model(path, nodes, input_shape=[1, 3, *SIZE], constants=constants)


def in_half_precision(path: Path) -> Path:
    """The same file with its weights, image and scores in float16."""
    model = onnx.load(path)
    scales = {node.input[2] for node in model.graph.node if node.op_type == "Resize"}  # float32 by definition
    for tensor in model.graph.initializer:
        if tensor.data_type == TensorProto.FLOAT and tensor.name not in scales:
            half = numpy_helper.to_array(tensor).astype(np.float16)
            tensor.CopyFrom(numpy_helper.from_array(half, tensor.name))
    for value in (*model.graph.input, *model.graph.output):
        value.type.tensor_type.elem_type = TensorProto.FLOAT16
    onnx.save(model, path)
    return path


def pointwise_logits(
    pixels: npt.NDArray[np.float64], classes: int = CLASSES, *, shrink: int = 1
) -> npt.NDArray[np.float64]:
    """What `pointwise` computes before its ending, in double precision: (N, C, H, W) -> (N, L, H, W)."""
    n, channels, height, width = pixels.shape
    weights, bias = _pointwise_weights(classes, channels)
    blocks = pixels.reshape(n, channels, height // shrink, shrink, width // shrink, shrink).mean(axis=(3, 5))
    return np.asarray(np.einsum("lc,nchw->nlhw", weights, blocks) + bias[:, None, None], np.float64)


def pointwise(
    path: Path,
    *,
    classes: int = CLASSES,
    channels: int = 3,
    size: Sequence[int | str] = SIZE,
    batch: int | str = "N",
    input_layout: str = "NCHW",
    input_type: int = TensorProto.FLOAT,
    shrink: int = 1,
    ending: str = "logits",
    output_layout: str = "NCHW",
    output_type: int | None = None,
    metadata: dict[str, str] | None = None,
) -> Path:
    """Every block of shrink x shrink pixels for itself: `pointwise_logits`, then one of `ENDINGS`, then a layout.

    Args:
        path: of the file.
        classes, channels, size, batch: of the graph.
        input_layout, output_layout: as `Preprocessing` names them; NHW drops the class axis.
        input_type, output_type: ONNX's element types; the arithmetic is float32.
        shrink: output pixels are the means of so many input pixels along each side.
        ending: a key of `ENDINGS`.
        metadata: of the file.
    """
    weights, bias = _pointwise_weights(classes, channels)
    constants: dict[str, Array] = {
        "weights": weights.astype(np.float32)[..., None, None],
        "bias": bias.astype(np.float32),
        "class_axis": np.array([1], np.int64),
        "half": np.array(0.5, np.float32),
        "rows_of_pixels": np.array([0, -1, classes], np.int64),
        "pixels_in_rows": np.array([0, classes, -1], np.int64),
    }
    nodes = [helper.make_node("Cast", ["image"], ["pixels"], to=TensorProto.FLOAT)]
    if input_layout == "NHWC":
        nodes.append(helper.make_node("Transpose", ["pixels"], ["planes"], perm=[0, 3, 1, 2]))
    else:
        nodes.append(helper.make_node("Identity", ["pixels"], ["planes"]))
    nodes.append(
        helper.make_node("AveragePool", ["planes"], ["blocks"], kernel_shape=[shrink] * 2, strides=[shrink] * 2)
    )
    nodes.append(helper.make_node("Conv", ["blocks", "weights", "bias"], ["logits"]))
    nodes += ENDINGS[ending]
    nodes += _OUTPUT_LAYOUTS[output_layout]
    produced = {"argmax": TensorProto.INT64, "threshold": TensorProto.BOOL}.get(ending, TensorProto.FLOAT)
    nodes.append(helper.make_node("Cast", ["placed"], ["scores"], to=output_type or produced))
    axes = [channels, *size] if input_layout == "NCHW" else [*size, channels]
    return save_model(
        path,
        nodes,
        input_shape=[batch, *axes],
        constants=constants,
        input_type=input_type,
        output_type=output_type or produced,
        metadata=metadata,
    )


ENDINGS: dict[str, list[onnx.NodeProto]] = {
    "logits": [helper.make_node("Identity", ["logits"], ["ended"])],
    "softmax": [helper.make_node("Softmax", ["logits"], ["ended"], axis=1)],
    "softmax_by_hand": [
        helper.make_node("Exp", ["logits"], ["powers"]),
        helper.make_node("ReduceSum", ["powers", "class_axis"], ["total"], keepdims=1),
        helper.make_node("Div", ["powers", "total"], ["ended"]),
    ],
    "sigmoid": [helper.make_node("Sigmoid", ["logits"], ["ended"])],
    "sigmoid_by_hand": [
        helper.make_node("Mul", ["logits", "half"], ["halves"]),
        helper.make_node("Tanh", ["halves"], ["tangents"]),
        helper.make_node("Mul", ["tangents", "half"], ["centred"]),
        helper.make_node("Add", ["centred", "half"], ["ended"]),
    ],
    "hard_sigmoid": [helper.make_node("HardSigmoid", ["logits"], ["ended"])],
    "argmax": [helper.make_node("ArgMax", ["logits"], ["ended"], axis=1, keepdims=1)],
    "threshold": [
        helper.make_node("Sigmoid", ["logits"], ["probabilities"]),
        helper.make_node("Greater", ["probabilities", "half"], ["ended"]),
    ],
}

_OUTPUT_LAYOUTS: dict[str, list[onnx.NodeProto]] = {
    "NCHW": [helper.make_node("Identity", ["ended"], ["placed"])],
    "NHWC": [helper.make_node("Transpose", ["ended"], ["placed"], perm=[0, 2, 3, 1])],
    "NHW": [helper.make_node("Squeeze", ["ended", "class_axis"], ["placed"])],
    "NPL": [
        helper.make_node("Transpose", ["ended"], ["last"], perm=[0, 2, 3, 1]),
        helper.make_node("Reshape", ["last", "rows_of_pixels"], ["placed"]),
    ],
    "NLP": [helper.make_node("Reshape", ["ended", "pixels_in_rows"], ["placed"])],
}


def _pointwise_weights(classes: int, channels: int) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    rng = np.random.default_rng(classes)
    weights = rng.normal(0, 4, (classes, channels)).round(2)
    return weights, (rng.normal(0, 0.5, classes) - weights.sum(axis=1) / 2).round(2)


def mixing(
    path: Path, how: str, *, classes: int = CLASSES, size: tuple[int, int] = SIZE, batch: int | str = "N"
) -> Path:
    """`pointwise` with a literal 1 where the export should have kept the batch axis.

    mean: each image's mean is to be taken away, but Reshape(1, -1) takes the whole batch's: no error, wrong numbers.
    joined: the scores are reshaped to (1, -1, H, W): the images of a batch become classes.
    refused: the scores are reshaped to (1, L, H, W): ONNX Runtime refuses two images.
    """
    weights, bias = _pointwise_weights(classes, 3)
    constants: dict[str, Array] = {
        "weights": weights.astype(np.float32)[..., None, None],
        "bias": bias.astype(np.float32),
        "one_row": np.array([1, -1], np.int64),
        "joined": np.array([1, -1, *size], np.int64),
        "refused": np.array([1, classes, *size], np.int64),
    }
    ready, last = "image", "scores"
    nodes = []
    if how == "mean":
        nodes += [
            helper.make_node("Reshape", ["image", "one_row"], ["row"]),
            helper.make_node("ReduceMean", ["row"], ["mean"], axes=[1], keepdims=1),
            helper.make_node("Sub", ["image", "mean"], ["ready"]),
        ]
        ready = "ready"
    else:
        last = "apart"
    nodes.append(helper.make_node("Conv", [ready, "weights", "bias"], [last]))
    if how != "mean":
        nodes.append(helper.make_node("Reshape", [last, how], ["scores"]))
    return save_model(path, nodes, input_shape=[batch, 3, *size], constants=constants)


def two_heads(path: Path) -> Path:
    """`pointwise`'s logits as `main`, their negation as `auxiliary`, and one number a class as `pooled`."""
    weights, bias = _pointwise_weights(CLASSES, 3)
    nodes = [
        helper.make_node("Conv", ["image", "weights", "bias"], ["main"]),
        helper.make_node("GlobalAveragePool", ["main"], ["means"]),
        helper.make_node("Flatten", ["means"], ["pooled"]),
        helper.make_node("Neg", ["main"], ["auxiliary"]),
    ]
    constants: dict[str, Array] = {
        "weights": weights.astype(np.float32)[..., None, None],
        "bias": bias.astype(np.float32),
    }
    return save_model(
        path, nodes, input_shape=["N", 3, *SIZE], constants=constants, outputs=["pooled", "main", "auxiliary"]
    )


def disc_image(size: tuple[int, int] = SIZE, radius: float = 5.0) -> npt.NDArray[np.uint8]:
    """A white disc on black, grey (H, W): pixel 255 inside."""
    rows, columns = np.mgrid[: size[0], : size[1]]
    inside = (rows - size[0] / 2) ** 2 + (columns - size[1] / 2) ** 2 <= radius**2
    return np.asarray(inside * 255, np.uint8)


def noise_image(size: tuple[int, int] = SIZE, seed: int = 0) -> npt.NDArray[np.uint8]:
    """(H, W, 3) uniform noise."""
    return np.random.default_rng(seed).integers(0, 256, (*size, 3), np.uint8)


Builder = Callable[..., Path]
