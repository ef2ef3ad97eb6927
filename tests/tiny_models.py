"""Tiny ONNX segmenters whose answers can be computed by hand. N != C != H != W wherever a layout is tested."""

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
import onnx
from onnx import TensorProto, helper, numpy_helper

Array = npt.NDArray[np.generic]

SIZE = (20, 24)


def save_model(
    path: Path,
    nodes: Sequence[onnx.NodeProto],
    *,
    input_shape: Sequence[int | str | None],
    constants: dict[str, Array] | None = None,
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


def bright_pixels(path: Path, *, size: tuple[int, int] = SIZE, batch: int | str = "N") -> Path:
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
    constants["axes"] = np.array([1, 2, 3], np.int64)
    return save_model(path, nodes, input_shape=["N", 1, *object_region.shape], constants=constants)


def uniform(path: Path, *, size: tuple[int, int] = SIZE) -> Path:
    """Class 1 of three everywhere, whatever the image."""
    logits = np.array([0, 2, 1], np.float32).reshape(1, 3, 1, 1)
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


def small_network(path: Path, *, size: tuple[int, int] = SIZE, classes: int = 4, batch: int | str = "N") -> Path:
    """Two convolutions with fixed random weights, RGB in, logits out: a real, smooth enough function."""
    rng = np.random.default_rng(7)
    constants: dict[str, Array] = {
        "w1": rng.normal(0, 0.4, (8, 3, 5, 5)).astype(np.float32),
        "b1": rng.normal(0, 0.1, 8).astype(np.float32),
        "w2": rng.normal(0, 0.4, (classes, 8, 5, 5)).astype(np.float32),
        "b2": rng.normal(0, 0.1, classes).astype(np.float32),
    }
    nodes = [
        helper.make_node("Conv", ["image", "w1", "b1"], ["hidden"], pads=[2, 2, 2, 2]),
        helper.make_node("Tanh", ["hidden"], ["active"]),
        helper.make_node("Conv", ["active", "w2", "b2"], ["scores"], pads=[2, 2, 2, 2]),
    ]
    return save_model(path, nodes, input_shape=[batch, 3, *size], constants=constants)


def disc_image(size: tuple[int, int] = SIZE, radius: float = 5.0) -> npt.NDArray[np.uint8]:
    """A white disc on black, grey (H, W): pixel 255 inside."""
    rows, columns = np.mgrid[: size[0], : size[1]]
    inside = (rows - size[0] / 2) ** 2 + (columns - size[1] / 2) ** 2 <= radius**2
    return (inside * 255).astype(np.uint8)


def noise_image(size: tuple[int, int] = SIZE, seed: int = 0) -> npt.NDArray[np.uint8]:
    """(H, W, 3) uniform noise."""
    return np.random.default_rng(seed).integers(0, 256, (*size, 3), np.uint8)


Builder = Callable[..., Path]
