"""QuantizeLinear/DequantizeLinear pairs: the rounding passes the gradient on, what is clamped does not."""

import numpy as np
import numpy.typing as npt
import onnx
import onnxruntime as ort
import pytest
from onnx import parser

from misure_onnx.errors import GradientError
from misure_onnx.gradients.onnx_gradient.differentiate import GRADIENT, UPSTREAM, gradient_graph

Array = npt.NDArray[np.float32]
SHAPE = (1, 2, 4, 6)
X = np.random.default_rng(0).uniform(-2, 2, SHAPE).astype(np.float32)

PER_TENSOR = "float s = {0.02}, uint8 z = {120}"
PER_CHANNEL = "float[2] s = {0.01, 0.03}, int8[2] z = {5, -7}"
GRAPHS = {
    "one scale": (PER_TENSOR, "q = QuantizeLinear(x, s, z) y = DequantizeLinear(q, s, z)"),
    "no zero point": (PER_TENSOR, "q = QuantizeLinear(x, s) y = DequantizeLinear(q, s)"),
    "one scale a channel": (PER_CHANNEL, "q = QuantizeLinear(x, s, z) y = DequantizeLinear(q, s, z)"),
    "integers moved": (
        PER_TENSOR,
        """q = QuantizeLinear(x, s, z) m = MaxPool <kernel_shape = [2, 2], strides = [2, 2]> (q)
        t = Transpose <perm = [0, 2, 3, 1]> (m) y = DequantizeLinear(t, s, z)""",
    ),
    "beside a float path": (
        PER_TENSOR,
        "q = QuantizeLinear(x, s, z) d = DequantizeLinear(q, s, z) e = Exp(x) y = Mul(d, e)",
    ),
}


def model_of(weights: str, body: str) -> onnx.ModelProto:
    header = '<ir_version: 8, opset_import: ["" : 17]>'
    return parser.parse_model(f"{header} tiny (float[1,2,4,6] x) => (float[A,B,C,D] y) <{weights}> {{ {body} }}")


def by_gradient_graph(model: onnx.ModelProto, upstream: Array | None = None) -> tuple[Array, Array]:
    graph = gradient_graph(model, of="y", wrt="x", shape=SHAPE)
    wanted = next(value for value in graph.graph.input if value.name == UPSTREAM).type.tensor_type.shape
    ones = np.ones([dim.dim_value for dim in wanted.dim], np.float32)
    options = ort.SessionOptions()
    options.log_severity_level = 4
    session = ort.InferenceSession(graph.SerializeToString(), options, providers=["CPUExecutionProvider"])
    scores, gradient = session.run(["y", GRADIENT], {"x": X, UPSTREAM: ones if upstream is None else upstream})
    return scores, gradient


@pytest.mark.parametrize("name", GRAPHS)
def test_the_gradient_is_the_torch_bridges(name: str) -> None:
    torch = pytest.importorskip("torch", reason="torch is not installed: it is compared with the torch bridge")
    from misure_onnx.gradients.torch_bridge.interpreter import TorchGraph  # noqa: PLC0415 - after the skip

    model = model_of(*GRAPHS[name])
    x = torch.from_numpy(X).requires_grad_()
    (expected,) = TorchGraph(model)({"x": x})
    upstream = np.random.default_rng(1).uniform(-1, 1, tuple(expected.shape)).astype(np.float32)
    (wanted,) = torch.autograd.grad(expected, x, torch.from_numpy(upstream))
    scores, gradient = by_gradient_graph(model, upstream)
    np.testing.assert_allclose(scores, expected.detach().numpy(), atol=1e-6)
    np.testing.assert_allclose(gradient, wanted.numpy(), atol=1e-5)


def test_what_is_clamped_has_no_gradient_and_the_rest_that_of_the_identity() -> None:
    """uint8 about 120 in steps of 0.02 holds -2.4 to 2.7, about 250 it holds -5 to 0.1."""
    _, whole = by_gradient_graph(model_of(*GRAPHS["one scale"]))
    np.testing.assert_allclose(whole, 1, rtol=1e-6)
    low = model_of("float s = {0.02}, uint8 z = {250}", GRAPHS["one scale"][1])
    _, cut = by_gradient_graph(low)
    np.testing.assert_allclose(cut, np.rint(X / np.float32(0.02)) <= 5, rtol=1e-6)


def test_integer_arithmetic_between_the_pairs_is_refused_by_name() -> None:
    """A partial gradient, through the float path alone, would be wrong without an error."""
    body = """q = QuantizeLinear(x, s, z) m = QLinearConv (q, s, z, w, s, z, s, z) d = DequantizeLinear(m, s, z)
        y = Add(d, x)"""
    model = model_of(PER_TENSOR + ", uint8[2,2,1,1] w = {1, 2, 3, 4}", body)
    with pytest.raises(GradientError, match=r"no gradient rule for QLinearConv \(1 node, first: 'm'\), opset 17"):
        gradient_graph(model, of="y", wrt="x", shape=SHAPE)


def test_scales_a_block_are_refused() -> None:
    model = model_of("float[1,2,4,3] s = {0.1, 0.1, 0.1, 0.1, 0.1, 0.1, 0.1, 0.1, 0.1, 0.1, 0.1, 0.1, 0.1, 0.1, 0.1, "
                     "0.1, 0.1, 0.1, 0.1, 0.1, 0.1, 0.1, 0.1, 0.1}",
                     "q = QuantizeLinear <axis = 3, block_size = 2> (x, s) "
                     "y = DequantizeLinear <axis = 3, block_size = 2> (q, s)")  # fmt: skip
    model.opset_import[0].version = 21
    with pytest.raises(GradientError, match="has no gradient: scales a block"):
        gradient_graph(model, of="y", wrt="x", shape=SHAPE)
