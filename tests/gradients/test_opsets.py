"""Both routes on the same small network in every opset from 7 to the newest that ONNX Runtime runs."""

import numpy as np
import numpy.typing as npt
import onnx
import onnxruntime as ort
import pytest
from onnx import helper, numpy_helper, version_converter

from misure_onnx.gradients.onnx_gradient.differentiate import GRADIENT, UPSTREAM, gradient_graph

OLDEST, NEWEST = 7, 25
SHAPE = (1, 3, 8, 12)
Array = npt.NDArray[np.float32]


def network(element_type: int = onnx.TensorProto.FLOAT) -> onnx.ModelProto:
    """Opset 7: convolution, normalisation, pooling, Upsample, a transposed convolution, a skip, softmax."""
    rng = np.random.default_rng(5)
    dtype = helper.tensor_dtype_to_np_dtype(element_type)
    weights = {
        "w1": rng.normal(0, 0.4, (4, 3, 3, 3)), "scale": rng.uniform(0.5, 1.5, 4), "shift": rng.normal(0, 0.2, 4),
        "mean": rng.normal(0, 0.2, 4), "variance": rng.uniform(0.5, 1.5, 4), "w2": rng.normal(0, 0.4, (4, 5, 2, 2)),
        "w3": rng.normal(0, 0.4, (3, 9, 1, 1)),
    }  # fmt: skip
    nodes = [
        helper.make_node("Conv", ["image", "w1"], ["a"], pads=[1, 1, 1, 1]),
        helper.make_node("BatchNormalization", ["a", "scale", "shift", "mean", "variance"], ["b"]),
        helper.make_node("LeakyRelu", ["b"], ["c"], alpha=0.1),
        helper.make_node("MaxPool", ["c"], ["d"], kernel_shape=[2, 2], strides=[2, 2]),
        helper.make_node("Upsample", ["d"], ["e"], scales=[1.0, 1.0, 2.0, 2.0], mode="nearest"),
        helper.make_node("ConvTranspose", ["d", "w2"], ["f"], strides=[2, 2]),
        helper.make_node("Concat", ["e", "f"], ["g"], axis=1),
        helper.make_node("Conv", ["g", "w3"], ["h"]),
        helper.make_node("Transpose", ["h"], ["i"], perm=[0, 2, 3, 1]),
        helper.make_node("Softmax", ["i"], ["scores"], axis=3),
    ]
    graph = helper.make_graph(
        nodes,
        "network",
        [helper.make_tensor_value_info("image", element_type, SHAPE)],
        [helper.make_tensor_value_info("scores", element_type, None)],
        [numpy_helper.from_array(values.astype(dtype), name) for name, values in weights.items()],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", OLDEST)], ir_version=8)


def run(model: onnx.ModelProto, names: list[str], feeds: dict[str, Array]) -> list[Array]:
    options = ort.SessionOptions()
    options.log_severity_level = 4
    options.intra_op_num_threads = 1
    session = ort.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
    return [np.asarray(result) for result in session.run(names, feeds)]


def by_gradient_graph(model: onnx.ModelProto, image: Array, upstream: Array) -> tuple[Array, Array]:
    graph = gradient_graph(model, of="scores", wrt="image", shape=SHAPE)
    scores, gradient = run(graph, ["scores", GRADIENT], {"image": image, UPSTREAM: upstream})
    return scores, gradient


def by_bridge(model: onnx.ModelProto, image: Array, upstream: Array) -> tuple[Array, Array]:
    torch = pytest.importorskip("torch", reason="torch is not installed")
    from misure_onnx.gradients.torch_bridge.interpreter import TorchGraph  # noqa: PLC0415 - after the skip

    leaf = torch.from_numpy(image).requires_grad_()
    (scores,) = TorchGraph(model)({"image": leaf})
    (gradient,) = torch.autograd.grad(scores, leaf, torch.from_numpy(upstream))
    return scores.detach().numpy(), gradient.numpy()


@pytest.mark.parametrize("route", [by_bridge, by_gradient_graph])
@pytest.mark.parametrize("opset", range(OLDEST, NEWEST + 1))
def test_scores_are_onnx_runtimes_and_the_gradient_is_a_difference_of_them(opset: int, route: object) -> None:
    model = network() if opset == OLDEST else version_converter.convert_version(network(), opset)
    rng = np.random.default_rng(0)
    image = rng.uniform(-1, 1, SHAPE).astype(np.float32)
    (expected,) = run(model, ["scores"], {"image": image})
    upstream = rng.uniform(-1, 1, expected.shape).astype(np.float32)
    scores, gradient = route(model, image, upstream)  # type: ignore[operator]
    np.testing.assert_allclose(scores, expected, atol=1e-5)
    by_route, by_difference = [], []
    for _ in range(6):
        direction = rng.uniform(-1, 1, SHAPE).astype(np.float32)
        ahead, behind = (run(model, ["scores"], {"image": image + s * direction})[0] for s in (1e-3, -1e-3))
        by_difference.append(float((upstream * (ahead.astype(np.float64) - behind)).sum()) / 2e-3)
        by_route.append(float((gradient.astype(np.float64) * direction).sum()))
    assert np.linalg.norm(np.subtract(by_route, by_difference)) <= 0.02 * np.linalg.norm(by_difference)


@pytest.mark.parametrize("route", [by_bridge, by_gradient_graph])
@pytest.mark.parametrize("element_type", [onnx.TensorProto.FLOAT16, onnx.TensorProto.BFLOAT16])
def test_other_precisions_are_computed_in_float32(element_type: int, route: object) -> None:
    """The reference is the float32 network with weights rounded to the precision; no runtime is needed for it."""
    model = network(element_type)
    exact = network()
    for tensor, rounded in zip(exact.graph.initializer, model.graph.initializer, strict=True):
        values = numpy_helper.to_array(rounded).astype(np.float32)
        tensor.CopyFrom(numpy_helper.from_array(values, tensor.name))
    rng = np.random.default_rng(0)
    image = rng.uniform(-1, 1, SHAPE).astype(np.float32)
    upstream = rng.uniform(-1, 1, (1, 8, 12, 3)).astype(np.float32)
    expected = by_gradient_graph(exact, image, upstream)
    for found, wanted in zip(route(model, image, upstream), expected, strict=True):  # type: ignore[operator]
        np.testing.assert_allclose(found, wanted, atol=1e-5)
