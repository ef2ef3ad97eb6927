"""What holds for whole graphs: pruning, what is remembered, integer inputs, half precision, refusals."""

from typing import Any

import numpy as np
import onnx
import pytest
import torch
from onnx import TensorProto, helper, numpy_helper

from misure_onnx.gradients.torch_bridge.interpreter import TorchGraph, missing_operators
from tests.gradients.torch_bridge.cases.case import Array, run_in_onnx_runtime


def _model(text: str, opset: int = 17, more: str = "") -> onnx.ModelProto:
    return onnx.parser.parse_model(f'<ir_version: 8, opset_import: ["" : {opset}{more}]> {text}')


CHAIN = """g (float[1,2,3] x, float[3] unused) => (float[1,2,3] y) {
  a = Relu(x)
  b = Sigmoid(a)
  y = Neg(b)
}"""


def _x(*shape: int) -> torch.Tensor:
    return torch.linspace(-1, 1, int(np.prod(shape))).reshape(shape)


def test_any_inner_tensor_can_be_an_output() -> None:
    x = _x(1, 2, 3)
    graph = TorchGraph(_model(CHAIN), outputs=["b", "x", "a"])
    b, same, a = graph({"x": x})
    assert graph.output_names == ("b", "x", "a")
    torch.testing.assert_close(b, torch.sigmoid(torch.relu(x)))
    torch.testing.assert_close(a, torch.relu(x))
    assert torch.equal(same, x)


def test_input_names_are_those_the_outputs_depend_on() -> None:
    assert TorchGraph(_model(CHAIN)).input_names == ("x",)


def test_a_node_the_output_does_not_need_may_be_unknown() -> None:
    text = """g (float[2] x) => (float[2] y, float[2] z) { y = Neg(x) z = NoSuchOperator(x) }"""
    (y,) = TorchGraph(_model(text), outputs=["y"])({"x": torch.ones(2)})
    assert torch.equal(y, -torch.ones(2))


def test_local_functions_are_inlined() -> None:
    model = onnx.parser.parse_model(
        """<ir_version: 8, opset_import: ["" : 17, "local" : 1]>
        g (float[2] x) => (float[2] y) { y = local.twice (x) }
        <domain: "local", opset_import: ["" : 17]> twice (a) => (b) { b = Add(a, a) }"""
    )
    (y,) = TorchGraph(model)({"x": torch.ones(2)})
    assert torch.equal(y, 2 * torch.ones(2))


def test_an_operator_that_onnx_defines_by_others_is_expanded() -> None:
    text = """g (float[1,2,5] x) => (float y) {
      t = Constant<value = int64[1,5] {0,1,1,0,1}>()
      y = NegativeLogLikelihoodLoss(x, t)
    }"""
    model = _model(text)
    assert missing_operators(model) == ()
    x = _x(1, 2, 5)
    (y,) = TorchGraph(model)({"x": x})
    torch.testing.assert_close(y, -x[0, [0, 1, 1, 0, 1], range(5)].mean())


def test_integer_inputs_fed_as_floats_have_a_gradient_through_casts() -> None:
    text = """g (uint8[1,2,2,1] x) => (float[1,1,2,2] y) {
      f = Cast<to = 1>(x)
      half = Constant<value = float {0.5}>()
      scaled = Mul(f, half)
      whole = Cast<to = 2>(scaled)
      back = Cast<to = 1>(whole)
      y = Transpose<perm = [0, 3, 1, 2]>(back)
    }"""
    pixels = np.array([[3, 8], [201, 255]], dtype=np.uint8).reshape(1, 2, 2, 1)
    model = _model(text)
    x = torch.from_numpy(pixels).float().requires_grad_()
    (y,) = TorchGraph(model)({"x": x})
    np.testing.assert_array_equal(y.detach().numpy(), run_in_onnx_runtime(model, {"x": pixels})[0])
    (gradient,) = torch.autograd.grad(y.sum(), x)
    assert torch.equal(gradient, torch.full_like(gradient, 0.5))


def test_integer_inputs_may_be_fed_as_integers() -> None:
    model = _model("g (uint16[2] x) => (float[2] y) { y = Cast<to = 1>(x) }")
    (y,) = TorchGraph(model)({"x": torch.tensor([1, 60_000], dtype=torch.int32)})
    assert torch.equal(y, torch.tensor([1.0, 60_000.0]))
    (same,) = TorchGraph(model)({"x": torch.tensor([1.5, 2.5], dtype=torch.float64)})
    assert same.dtype == torch.float32


def test_quantisation_rounds_forwards_and_is_transparent_backwards() -> None:
    text = """g (float[4] x) => (float[4] y) {
      s = Constant<value = float {0.1}>()
      z = Constant<value = uint8 {128}>()
      q = QuantizeLinear(x, s, z)
      y = DequantizeLinear(q, s, z)
    }"""
    x = torch.tensor([0.04, 0.26, -3.0, 50.0], requires_grad=True)
    (y,) = TorchGraph(_model(text))({"x": x})
    torch.testing.assert_close(y, torch.tensor([0.0, 0.3, -3.0, 12.7]))
    (gradient,) = torch.autograd.grad(y.sum(), x)
    torch.testing.assert_close(gradient, torch.tensor([1.0, 1.0, 1.0, 0.0]))  # clamped: no gradient


def test_four_bit_weights_keep_their_range() -> None:
    codes = helper.make_tensor("codes", TensorProto.INT4, [4], [-8, -1, 0, 7])
    zero = helper.make_tensor("zero", TensorProto.INT4, [], [0])
    scale = numpy_helper.from_array(np.array(0.5, dtype=np.float32), "scale")
    nodes = [
        helper.make_node("DequantizeLinear", ["codes", "scale"], ["w"]),
        helper.make_node("Add", ["x", "w"], ["sum"]),
        helper.make_node("QuantizeLinear", ["sum", "scale", "zero"], ["y"]),
    ]
    fed = helper.make_tensor_value_info("x", TensorProto.FLOAT, [4])
    graph = helper.make_graph(nodes, "g", [fed], [onnx.ValueInfoProto(name="y")], [codes, zero, scale])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 21)])
    (y,) = TorchGraph(model)({"x": torch.tensor([0.0, 1.0, 0.0, 9.0])})
    assert torch.equal(y, torch.tensor([-8.0, 1.0, 0.0, 7.0]))


@pytest.mark.parametrize("name", ["FLOAT16", "BFLOAT16"])
def test_half_precision_is_computed_in_single(name: str) -> None:
    kind = TensorProto.DataType.Value(name)
    weight = helper.make_tensor("w", kind, [2], [0.5, 3.0])
    fed = helper.make_tensor_value_info("x", kind, [2])
    graph = helper.make_graph([helper.make_node("Mul", ["x", "w"], ["y"])], "g", [fed], [], [weight])
    x = torch.tensor([1.0, 2.0], dtype=torch.float16, requires_grad=True)
    (y,) = TorchGraph(helper.make_model(graph), outputs=["y"])({"x": x})
    assert y.dtype == torch.float32
    (gradient,) = torch.autograd.grad(y.sum(), x)
    assert gradient.tolist() == [0.5, 3.0]


SHAPES = """g (float[N,C] x) => (float[M] y, int64[1] count) {
  shape = Shape(x)
  one = Constant<value = int64 {1}>()
  zero = Constant<value = int64 {0}>()
  columns = Gather(shape, one)
  axes = Constant<value = int64[1] {0}>()
  last = Unsqueeze(columns, axes)
  ones = ConstantOfShape<value = float[1] {2.0}>(last)
  rows = ReduceSum<keepdims = 0>(x, axes)
  y = Mul(rows, ones)
  count = Identity(last)
}"""


def test_what_depends_on_shapes_alone_is_computed_once_a_shape() -> None:
    graph = TorchGraph(_model(SHAPES))
    for shape in ((2, 3), (4, 5), (2, 3)):
        x = _x(*shape)
        y, count = graph({"x": x})
        torch.testing.assert_close(y, 2 * x.sum(0))
        assert count.tolist() == [shape[1]]
    assert len(graph._plans) == 2
    remembered = graph._plans[(torch.Size([2, 3]),)]
    assert sorted(remembered) == ["count", "ones"]  # what calls read, not the steps in between


def test_only_the_last_few_shapes_are_remembered() -> None:
    graph = TorchGraph(_model(SHAPES))
    for columns in range(1, 12):
        graph({"x": _x(2, columns)})
    assert len(graph._plans) == 8


def test_what_is_remembered_in_inference_mode_serves_a_gradient_later() -> None:
    graph = TorchGraph(_model(SHAPES))
    with torch.inference_mode():
        graph({"x": _x(2, 3)})
    x = _x(2, 3).requires_grad_()
    (gradient,) = torch.autograd.grad(graph({"x": x})[0].sum(), x)
    assert torch.equal(gradient, torch.full_like(gradient, 2.0))


def test_a_shape_that_depends_on_values_is_not_remembered() -> None:
    text = """g (float[4] x) => (int64[1] y, float[M] z) {
      places = NonZero(x)
      shape = Shape(places)
      one = Constant<value = int64[1] {1}>()
      y = Gather(shape, one)
      z = ConstantOfShape(y)
    }"""
    graph = TorchGraph(_model(text))
    for values in ([1.0, 0.0, 2.0, 0.0], [0.0, 0.0, 5.0, 0.0], [1.0, 1.0, 1.0, 1.0]):
        y, z = graph({"x": torch.tensor(values)})
        assert y.tolist() == [np.count_nonzero(values)]
        assert len(z) == np.count_nonzero(values)


def test_sizes_computed_from_values_are_not_remembered() -> None:
    text = """g (float[4] x, int64[1] n) => (float[M] y, int64[1] size) {
      zero = Constant<value = int64[1] {0}>()
      y = Slice(x, zero, n)
      size = Shape(y)
    }"""
    graph = TorchGraph(_model(text))
    for count in (3, 1, 4):
        y, size = graph({"x": _x(4), "n": torch.tensor([count])})
        assert len(y) == count
        assert size.tolist() == [count]


def test_data_is_computed_on_the_device_and_numbers_on_the_cpu() -> None:
    """On torch's device `meta` tensors have no values: reading a size from one would fail."""
    text = """g (float[1,2,4,4] x) => (float[M] y, float[2,2] w) {
      shape = Shape(x)
      first = Constant<value = int64[1] {0}>()
      minus = Constant<value = int64[1] {-1}>()
      batch = Gather(shape, first)
      flat = Concat<axis = 0>(batch, minus)
      ones = ConstantOfShape<value = float[1] {1.0}>(shape)
      w = Constant<value = float[2,2] {1.0, 2.0, 3.0, 4.0}>()
      product = Mul(x, ones)
      zero = Constant<value = float {0.0}>()
      low = Clip(product, zero)
      sum = Add(low, zero)
      y = Reshape(sum, flat)
    }"""
    graph = TorchGraph(_model(text), device="meta")
    for _ in range(2):
        y, w = graph({"x": torch.ones(1, 2, 4, 4)})
        assert (y.device.type, tuple(y.shape)) == ("meta", (1, 32))
        assert w.device.type == "meta"


def test_weights_are_folded_and_need_no_gradient() -> None:
    text = """g (float[2] x) => (float[2] y) {
      a = Constant<value = float[2] {1.0, 4.0}>()
      b = Sqrt(a)
      c = Neg(b)
      y = Mul(x, c)
    }"""
    graph = TorchGraph(_model(text))
    assert [step.node.op_type for step in graph._first.steps] == ["Mul"]
    assert sorted(graph._constants) == ["c"]
    assert not any(value.requires_grad for value in graph._constants.values() if isinstance(value, torch.Tensor))


def test_a_tensor_is_released_after_its_last_use() -> None:
    text = """g (float[2] x) => (float[2] y) { a = Neg(x) b = Neg(a) c = Add(a, b) y = Neg(c) }"""
    releases = [set(step.releases) for step in TorchGraph(_model(text))._first.steps]
    assert releases == [{"x"}, set(), {"a", "b"}, {"c"}]


def test_inner_graphs_may_give_back_outer_tensors_and_weights() -> None:
    text = """g (float[2] x) => (float[2] y) {
      w = Constant<value = float[2] {1.0, 2.0}>()
      zero = Constant<value = float {0.0}>()
      sum = ReduceSum<keepdims = 0>(x)
      positive = Greater(sum, zero)
      y = If (positive) <then_branch = a () => (float[2] x) {}, else_branch = b () => (float[2] w) {}>
    }"""
    graph = TorchGraph(_model(text))
    assert graph({"x": torch.tensor([1.0, 1.0])})[0].tolist() == [1.0, 1.0]
    assert graph({"x": torch.tensor([-1.0, -1.0])})[0].tolist() == [1.0, 2.0]


def _constant_model(**attribute: Any) -> onnx.ModelProto:
    node = helper.make_node("Constant", [], ["y"], **attribute)
    return helper.make_model(helper.make_graph([node], "g", [], []))


@pytest.mark.parametrize(
    ("attribute", "expected"),
    [
        ({"value_float": 1.5}, np.array(1.5)),
        ({"value_floats": [1.5, 2.0]}, np.array([1.5, 2.0])),
        ({"value_int": 3}, np.array(3)),
        ({"value_ints": [3, 4]}, np.array([3, 4])),
        ({"value": numpy_helper.from_array(np.array([1, 2], dtype=np.uint16))}, np.array([1, 2])),
    ],
)
def test_constants_are_read_in_every_form(attribute: dict[str, Any], expected: Array) -> None:
    (value,) = TorchGraph(_constant_model(**attribute), outputs=["y"])({})
    np.testing.assert_array_equal(value.numpy(), expected)


@pytest.mark.parametrize("indices", [np.array([1, 5]), np.array([[0, 1], [1, 2]])])
def test_sparse_constants_are_filled_with_zeros(indices: Array) -> None:
    values = numpy_helper.from_array(np.array([2.0, 3.0], dtype=np.float32), "w")
    sparse = helper.make_sparse_tensor(values, numpy_helper.from_array(indices, "i"), [2, 3])
    wanted = np.array([[0, 2, 0], [0, 0, 3]], dtype=np.float32)
    (y,) = TorchGraph(_constant_model(sparse_value=sparse), outputs=["y"])({})
    np.testing.assert_array_equal(y.numpy(), wanted)
    fed = helper.make_tensor_value_info("x", TensorProto.FLOAT, [2, 3])
    node = helper.make_node("Add", ["x", "w"], ["y"])
    graph = helper.make_graph([node], "g", [fed], [onnx.ValueInfoProto(name="y")], sparse_initializer=[sparse])
    (y,) = TorchGraph(helper.make_model(graph))({"x": torch.ones(2, 3)})
    np.testing.assert_array_equal(y.numpy(), wanted + 1)


def test_a_vector_of_zero_points_is_one_a_row_of_the_left_matrix() -> None:
    text = "g (uint8[2,3] a, uint8[3,2] b, uint8[2] z) => (y) { y = MatMulInteger(a, b, z) }"
    a, b, z = (torch.arange(n, dtype=torch.uint8).reshape(shape) for n, shape in ((6, (2, 3)), (6, (3, 2)), (2, (2,))))
    (y,) = TorchGraph(_model(text))({"a": a, "b": b, "z": z})
    assert torch.equal(y, (a.float() - z.float()[:, None]) @ b.float())
