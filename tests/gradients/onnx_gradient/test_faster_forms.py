"""What is put in other words for speed: the same values and gradients, and only where it may be."""

import numpy as np
import numpy.typing as npt
import onnx
import pytest
import scipy.special
from onnx import parser

from misure_onnx.gradients.onnx_gradient.differentiate import GRADIENT, UPSTREAM, gradient_graph
from misure_onnx.gradients.onnx_gradient.values import results_of

Array = npt.NDArray[np.float32]
X = np.random.default_rng(0).uniform(-5, 5, (2, 3, 4)).astype(np.float32)

GATE = "a = Add(x, three) b = Clip(a, zero, six) c = Div(b, six)"
NUMBERS = "<float three = {3}, float zero = {0}, float six = {6}, float seven = {7}, float sixth = {0.16666667}>"


def model_of(body: str, weights: str = NUMBERS) -> onnx.ModelProto:
    return parser.parse_model(
        f'<ir_version: 8, opset_import: ["" : 17]> tiny (float[2,3,4] x) => (float[M,N,K] y) {weights} {{ {body} }}'
    )


def differentiated(model: onnx.ModelProto) -> tuple[list[str], Array, Array]:
    """Operators of the way there, values, and the gradient of the sum of y * X."""
    graph = gradient_graph(model, of="y", wrt="x", shape=X.shape)
    onnx.checker.check_model(graph)
    value, gradient = results_of(graph, ["y", GRADIENT], {"x": X, UPSTREAM: X})
    names = [node.op_type for node in graph.graph.node]
    return names, value, gradient


@pytest.mark.parametrize(
    "body",
    [
        f"{GATE} y = Mul(x, c)",
        "a = Add(three, x) b = Clip(a, zero, six) c = Mul(b, sixth) y = Mul(c, x)",
        "a = Add(x, three) b = Clip(a, zero, six) c = Mul(sixth, b) y = Mul(x, c)",
    ],
)
def test_a_hard_swish_that_is_written_out_is_one_gate_and_one_product(body: str) -> None:
    names, value, gradient = differentiated(model_of(body))
    assert "Clip" not in names
    assert "Div" not in names
    gate = np.clip(X + 3, 0, 6) / 6
    assert value == pytest.approx(X * gate, abs=1e-6)
    slope = gate + np.where(np.abs(X) < 3, X / 6, 0)
    assert gradient == pytest.approx(X * slope, abs=1e-5)


@pytest.mark.parametrize(
    ("body", "gate"),
    [
        ("a = Add(x, three) b = Clip(a, zero, six) y = Div(b, seven)", lambda x: np.clip(x + 3, 0, 6) / 7),
        ("a = Add(x, three) b = Clip(a, three, six) y = Div(b, six)", lambda x: np.clip(x + 3, 3, 6) / 6),
        ("a = Sub(x, three) b = Clip(a, zero, six) y = Div(b, six)", lambda x: np.clip(x - 3, 0, 6) / 6),
        ("a = Add(x, three) b = Clip(a, zero, six) y = Div(six, b)", lambda x: 6 / np.clip(x + 3, 0, 6)),
        ("a = Add(x, x) b = Clip(a, zero, six) y = Div(b, six)", lambda x: np.clip(2 * x, 0, 6) / 6),
        (f"{GATE} y = Add(c, b)", lambda x: np.clip(x + 3, 0, 6) * 7 / 6),
        (f"{GATE} y = Add(c, a)", lambda x: np.clip(x + 3, 0, 6) / 6 + x + 3),
    ],
    ids=["another limit", "another floor", "a difference", "a quotient", "a sum", "read twice", "sum read twice"],
)
def test_what_is_no_gate_or_is_read_elsewhere_stays(body: str, gate: "object") -> None:
    names, value, _ = differentiated(model_of(body))
    assert "Clip" in names
    with np.errstate(divide="ignore"):
        assert value == pytest.approx(gate(X), rel=1e-5)  # type: ignore[operator]


def test_a_prelu_is_written_as_what_it_is() -> None:
    names, value, gradient = differentiated(model_of("y = PRelu(x, slope)", "<float[3,1] slope = {-0.5, 0.25, 1.5}>"))
    assert "PRelu" not in names
    expected = np.where(X > 0, X, np.array([-0.5, 0.25, 1.5], np.float32)[:, None] * X)
    assert np.array_equal(value, expected)
    assert gradient == pytest.approx(expected, abs=1e-6)


def test_nodes_around_a_prelu_keep_what_they_read() -> None:
    body = "a = Mul(x, x) b = PRelu(a, slope) c = Neg(b) d = PRelu(c, slope) y = Add(d, b)"
    _, value, _ = differentiated(model_of(body, "<float[1] slope = {0.5}>"))
    assert value == pytest.approx(X**2 / 2, rel=1e-6)


@pytest.mark.parametrize(("axis", "stays"), [(1, False), (0, False), (-2, False), (2, True), (-1, True)])
def test_a_softmax_is_written_out_where_its_axis_is_not_the_last(axis: int, *, stays: bool) -> None:
    names, value, gradient = differentiated(model_of(f"y = Softmax<axis = {axis}>(x)", ""))
    assert ("Softmax" in names) == stays
    expected = scipy.special.softmax(X.astype(np.float64), axis=axis)
    assert value == pytest.approx(expected, abs=1e-6)
    inner = (X * expected).sum(axis=axis, keepdims=True)
    assert gradient == pytest.approx(expected * (X - inner), abs=1e-5)
