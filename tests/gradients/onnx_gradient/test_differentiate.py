"""The backward pass as a whole: paths, sums, refusals, old files."""

import numpy as np
import numpy.typing as npt
import onnx
import onnxruntime as ort
import pytest
from onnx import helper, numpy_helper, parser

from misure_onnx.errors import GradientError
from misure_onnx.gradients.onnx_gradient.differentiate import GRADIENT, KNOWN, UPSTREAM, differentiated, gradient_graph
from misure_onnx.gradients.onnx_gradient.normalise import _expanded, normalised
from misure_onnx.gradients.onnx_gradient.rules.probe import run_node
from misure_onnx.gradients.onnx_gradient.site import Site
from misure_onnx.gradients.onnx_gradient.values import results_of, shape_of_output
from misure_onnx.graph.writer import GraphWriter

Array = npt.NDArray[np.float32]
X = np.random.default_rng(0).uniform(-2, 2, (2, 3)).astype(np.float32)


def model_of(body: str, *, opset: int = 17, types: str = "float[2,3] x", weights: str = "") -> onnx.ModelProto:
    header = f'<ir_version: 8, opset_import: ["" : {opset}]>'
    return parser.parse_model(f"{header} tiny ({types}) => (float[M,N] y) {weights} {{ {body} }}")


def run(graph: onnx.ModelProto, x: Array, upstream: Array) -> tuple[Array, Array]:
    options = ort.SessionOptions()
    options.log_severity_level = 4
    options.intra_op_num_threads = 1
    session = ort.InferenceSession(graph.SerializeToString(), options, providers=["CPUExecutionProvider"])
    value, gradient = session.run(["y", GRADIENT], {"x": x, UPSTREAM: upstream})
    return value, gradient


def gradient_of(model: onnx.ModelProto, x: Array = X) -> Array:
    """Of the sum of y."""
    graph = gradient_graph(model, of="y", wrt="x", shape=x.shape)
    shape = [d.dim_value for d in next(v for v in graph.graph.input if v.name == UPSTREAM).type.tensor_type.shape.dim]
    return run(graph, x, np.ones(shape, np.float32))[1]


def test_the_graph_gives_the_tensor_and_its_gradient_at_the_upstream() -> None:
    graph = gradient_graph(model_of("y = Mul(x, x)"), of="y", wrt="x", shape=X.shape)
    onnx.checker.check_model(graph)
    upstream = np.arange(6, dtype=np.float32).reshape(2, 3)
    value, gradient = run(graph, X, upstream)
    np.testing.assert_allclose(value, X * X, rtol=1e-6)
    np.testing.assert_allclose(gradient, 2 * X * upstream, rtol=1e-6)


def test_several_readers_of_a_tensor_add_up() -> None:
    model = model_of("a = Exp(x) b = Mul(a, x) c = Add(a, b) y = Add(c, x)")
    np.testing.assert_allclose(gradient_of(model), np.exp(X) * (2 + X) + 1, rtol=1e-5)


def test_a_tensor_inside_the_graph_can_be_differentiated() -> None:
    graph = gradient_graph(model_of("inner = Mul(x, x) y = ArgMax(inner)"), of="inner", wrt="x", shape=X.shape)
    assert [value.name for value in graph.graph.output] == ["inner", GRADIENT]


def test_the_parts_of_a_split_that_are_not_read_have_gradient_zero() -> None:
    model = model_of("a, b, c = Split <axis = 1> (x) y = Exp(b)")
    expected = np.zeros_like(X)
    expected[:, 1] = np.exp(X[:, 1])
    np.testing.assert_allclose(gradient_of(model), expected, rtol=1e-6)


def test_a_path_through_a_step_function_has_no_gradient() -> None:
    model = model_of("a = Floor(x) y = Add(a, x)")
    np.testing.assert_array_equal(gradient_of(model), np.ones_like(X))


def test_a_tensor_that_is_only_rounded_has_no_gradient() -> None:
    model = model_of("a = Exp(x) b = Cast <to = 7> (a) c = Cast <to = 1> (b) y = Mul(c, x)")
    np.testing.assert_allclose(gradient_of(model), np.trunc(np.exp(X)))


def test_detached_tensors_are_constants() -> None:
    simple = normalised(model_of("a = Exp(x) y = Mul(a, x)"), shapes={"x": X.shape}, outputs=["y"], known=KNOWN)
    graph = differentiated(simple, of="y", wrt="x", feeds={"x": X}, detached={"a"})
    np.testing.assert_allclose(run(graph, X, np.ones_like(X))[1], np.exp(X), rtol=1e-6)


def test_operators_that_onnx_defines_by_others_need_no_rule() -> None:
    model = model_of("y = Celu <alpha = 1.5> (x)")
    np.testing.assert_allclose(gradient_of(model), np.where(X > 0, 1, np.exp(X / 1.5)), rtol=1e-5)


def test_functions_of_the_file_are_inlined() -> None:
    text = """<ir_version: 8, opset_import: ["" : 17, "own" : 1]>
        tiny (float[2,3] x) => (float[2,3] y) { y = own.cube(x) }
        <domain: "own", opset_import: ["" : 17]> cube (a) => (c) { b = Mul(a, a) c = Mul(b, a) }"""
    np.testing.assert_allclose(gradient_of(parser.parse_model(text)), 3 * X**2, rtol=1e-5)


@pytest.mark.parametrize("element_type", ["float16", "double", "uint8"])
def test_every_float_is_computed_as_float32_and_a_picture_of_bytes_too(element_type: str) -> None:
    model = model_of("a = Cast <to = 11> (x) y = Mul(a, a)", types=f"{element_type}[2,3] x")
    np.testing.assert_allclose(gradient_of(model), 2 * X, rtol=1e-6)


def test_weights_in_half_precision_become_float32() -> None:
    model = model_of("y = Mul(x, w)", types="float16[2,3] x")
    model.graph.initializer.append(numpy_helper.from_array(np.array([2, 3, 4], np.float16), "w"))
    np.testing.assert_array_equal(gradient_of(model), np.tile(np.array([2, 3, 4], np.float32), (2, 1)))


def test_the_argument_is_not_changed() -> None:
    model = model_of("y = Exp(x)", opset=9)
    before = model.SerializeToString()
    gradient_graph(model, of="y", wrt="x", shape=X.shape)
    assert model.SerializeToString() == before


@pytest.mark.parametrize("opset", [9, 10, 13, 17, 18, 21])
def test_old_and_new_opsets_are_differentiated(opset: int) -> None:
    model = model_of("a = Relu(x) y = Mul(a, x)", opset=opset)
    np.testing.assert_allclose(gradient_of(model), np.where(X > 0, 2 * X, 0), rtol=1e-6)


def test_an_old_resize_keeps_its_coordinates() -> None:
    text = """<ir_version: 5, opset_import: ["" : 10]>
        tiny (float[1,1,2,3] x) => (float[1,1,4,6] y) <float[4] s = {1, 1, 2, 2}>
        { y = Resize <mode = "linear"> (x, s) }"""
    x = X.reshape(1, 1, 2, 3)
    graph = gradient_graph(parser.parse_model(text), of="y", wrt="x", shape=x.shape)
    value, gradient = run(graph, x, np.ones((1, 1, 4, 6), np.float32))
    np.testing.assert_allclose(value[0, 0, 0, :4:2], x[0, 0, 0, :2], rtol=1e-6)
    np.testing.assert_allclose(gradient.sum(), 24, rtol=1e-6)


def test_every_operator_without_rule_is_named_with_count_first_node_and_opset() -> None:
    model = model_of("a = Atan(x) b = Atan(a) y = Hardmax(b)")
    model.graph.node[0].name = "first"
    with pytest.raises(
        GradientError, match=r"Atan \(2 nodes, first: 'first'\), Hardmax \(1 node, first: 'y'\), opset 17"
    ):
        gradient_graph(model, of="y", wrt="x", shape=X.shape)


def test_control_flow_on_the_path_is_refused() -> None:
    body = """c = Constant <value = bool {1}> () m = ReduceSum <keepdims = 0> (x) z = Constant <value = float {0}> ()
        p = Greater(m, z)
        y = If (p) <then_branch = t () => (float[2,3] q) { q = Exp(x) },
                    else_branch = e () => (float[2,3] r) { r = Neg(x) }>"""
    with pytest.raises(GradientError, match=r"no gradient rule for If \(1 node, first: 'y'\)"):
        gradient_graph(model_of(body), of="y", wrt="x", shape=X.shape)


def test_a_tensor_that_does_not_depend_on_the_input_is_refused() -> None:
    with pytest.raises(GradientError, match="'y' does not depend on 'x'"):
        gradient_graph(model_of("a = Floor(x) y = Exp(a)"), of="y", wrt="x", shape=X.shape)


def test_a_shape_that_the_model_refuses_is_a_gradient_error() -> None:
    model = model_of("y = Mul(x, w)", types="float[M,N] x", weights="<float[4] w = {1, 2, 3, 4}>")
    with pytest.raises(GradientError, match="ONNX Runtime cannot run"):
        gradient_graph(model, of="y", wrt="x", shape=(2, 3))


def test_names_that_the_model_has_are_left_alone() -> None:
    model = model_of("g = Exp(x) y = Mul(g, x)")
    for node in model.graph.node:
        for names in (node.input, node.output):
            for k, name in enumerate(names):
                names[k] = "gradient/constant_0_0" if name == "g" else name
    np.testing.assert_allclose(gradient_of(model), np.exp(X) * (1 + X), rtol=1e-5)


def test_weights_too_small_to_matter_become_zero() -> None:
    model = model_of("y = Mul(x, w)", weights="<float[3] w = {1, 2, 3}>")
    weights = np.array([1, 1e-40, 3], np.float32)
    model.graph.initializer[0].CopyFrom(numpy_helper.from_array(weights, "w"))
    np.testing.assert_array_equal(gradient_of(model), np.tile(np.array([1, 0, 3], np.float32), (2, 1)))


def test_a_result_whose_gradient_does_not_arrive_is_refused() -> None:
    model = model_of("a, b = TopK <axis = 1> (x, k) y = Exp(a)", weights="<int64[1] k = {2}>")
    with pytest.raises(GradientError, match=r"no gradient rule for TopK"):
        gradient_graph(model, of="y", wrt="x", shape=X.shape)


AROUND = np.array([[-2, 0, 1e-6, 1, 2 - 1e-6, 2, 5, 300]], np.float32)


@pytest.mark.parametrize(
    ("bounds", "inside"),
    [
        ("zero, two", (AROUND > 0) & (AROUND < 2)),
        ("zero", AROUND > 0),
        (", two", AROUND < 2),
        ("zero, large", (AROUND >= 0)),  # beyond what a ramp can tell: equality does
        ("bound, two", (AROUND > 0) & (AROUND < 2)),
    ],
)
@pytest.mark.parametrize("scaled", ["c = Identity(m)", "d = Mul(m, two) c = Div(d, two)"])
def test_behind_a_layer_with_weights_a_value_at_a_bound_was_clipped(
    bounds: str, inside: npt.NDArray[np.bool_], scaled: str
) -> None:
    weights = "<float zero = {0}, float two = {2}, float large = {1e9}>"
    made = "bound = Sub(two, two)" if bounds.startswith("bound") else ""
    model = model_of(f"m = MatMul(x, eye) {scaled} {made} y = Clip(c, {bounds})", types="float[1,8] x", weights=weights)
    model.graph.initializer.append(numpy_helper.from_array(np.eye(8, dtype=np.float32), "eye"))
    assert gradient_of(model, AROUND).tolist() == inside.astype(float).tolist()


def test_a_pixel_that_is_clipped_where_it_already_was_keeps_its_gradient() -> None:
    """Pixels that a mask removed are exactly black: a model that clips at black must still say what they would add."""
    weights = "<float zero = {0}, float two = {2}>"
    model = model_of("y = Clip(x, zero, two)", types="float[1,8] x", weights=weights)
    assert gradient_of(model, AROUND).tolist() == ((AROUND >= 0) & (AROUND <= 2)).astype(float).tolist()


@pytest.mark.parametrize("operator", ["Conv", "ConvTranspose"])
def test_a_kernel_that_depends_on_the_image_is_refused(operator: str) -> None:
    body = f"a = Reshape(x, s) y = {operator}(a, a)"
    model = model_of(body, weights="<int64[4] s = {1, 1, 2, 3}>")
    with pytest.raises(GradientError, match=rf"{operator}.*kernel or bias depends on the image"):
        gradient_graph(model, of="y", wrt="x", shape=X.shape)


def test_a_bound_that_a_rule_needs_as_a_number_must_not_follow_from_the_image() -> None:
    body = """m = ReduceMax <keepdims = 1> (x) c = Cast <to = 7> (m) r = Reshape(c, one)
        a = Slice(x, zero, r, one) y = Exp(a)"""
    with pytest.raises(GradientError, match=r"Slice, opset 17.*'r'\) is no constant"):
        gradient_graph(
            model_of(body, weights="<int64[1] zero = {0}, int64[1] one = {1}>"), of="y", wrt="x", shape=X.shape
        )


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ("y = PRelu(x, x)", "slope depends on the image"),
        ("s = ReduceMean <axes = [0], keepdims = 0> (x) y = LayerNormalization(x, s)", "scale or bias depends"),
        ("m = ReduceMin <keepdims = 0> (x) y = Clip(x, m)", "Clip.*its input 1 .'m'. depends on the image"),
        ("a = Cast <to = 7> (x) y = Cast <to = 1> (a)", "'y' does not depend on 'x'"),
        ("a, y = LayerNormalization(x, three)", "only its first result"),
        ("s = SequenceConstruct(x, x) y = ConcatFromSequence <axis = 0> (s)", "no gradient rule for SequenceConstruct"),
    ],
)
def test_what_is_not_covered_is_refused(body: str, message: str) -> None:
    with pytest.raises(GradientError, match=message):
        gradient_graph(model_of(body, weights="<float[3] three = {1, 2, 3}>"), of="y", wrt="x", shape=X.shape)


def test_an_opset_that_onnx_cannot_raise_is_a_gradient_error() -> None:
    with pytest.raises(GradientError, match="needs opset 17, the model has 10 and onnx cannot raise it"):
        gradient_graph(model_of("y = Bogus(x)", opset=10), of="y", wrt="x", shape=X.shape)


def test_a_definition_that_needs_an_unknown_type_is_left_as_it_is() -> None:
    body = "odd = Bogus(x) y = GroupNormalization <num_groups = 1> (odd, w, w)"
    model = model_of(body, opset=18, weights="<float[3] w = {1, 2, 3}>")
    assert _expanded(model, [model.graph.node[-1]]) is model


def test_a_definition_that_needs_the_type_of_a_weight_is_expanded() -> None:
    model = model_of("y = RMSNormalization(x, w)", opset=23, weights="<float[3] w = {1, 2, 3}>")
    expanded = _expanded(model, list(model.graph.node))
    assert "RMSNormalization" not in {node.op_type for node in expanded.graph.node}


def test_a_run_that_fails_is_a_gradient_error() -> None:
    with pytest.raises(GradientError, match="cannot run the normalised model"):
        results_of(model_of("y = Exp(x)"), ["y"], {"x": np.zeros((5, 5), np.float32)})


@pytest.mark.parametrize("declared", [[2, 3], [2, "?"], None])
def test_a_model_is_run_for_an_output_s_shape_only_where_none_is_declared(declared: list[int | str] | None) -> None:
    model = model_of("y = Exp(x)")
    model.graph.output[0].CopyFrom(helper.make_tensor_value_info("y", onnx.TensorProto.FLOAT, declared))
    if declared == [2, 3]:
        assert shape_of_output(model, "y", {}) == (2, 3), "without what a run would need"
    else:
        with pytest.raises(GradientError):
            shape_of_output(model, "y", {})
        assert shape_of_output(model, "y", {"x": X}) == (2, 3)


def test_a_node_that_cannot_be_probed_is_refused_by_name() -> None:
    node = onnx.NodeProto(op_type="Bogus", name="odd", input=["x"], output=["y"])
    site = Site(node, GraphWriter(17, ()), {}, frozenset(), upstreams=[None], producers={})
    with pytest.raises(GradientError, match=r"node 'odd' \(Bogus, opset 17\).*cannot be probed"):
        run_node(site, node, X, {})
