"""What the bridge refuses, and that its errors say what, where and what to do."""

from typing import Any

import numpy as np
import onnx
import pytest
import torch
from onnx import helper, numpy_helper

from misure_onnx.errors import GradientError
from misure_onnx.gradients.torch_bridge.interpreter import MissingOperator, TorchGraph, missing_operators
from misure_onnx.gradients.torch_bridge.node import Node
from misure_onnx.gradients.torch_bridge.program import Step, run_step


def _model(text: str, opset: int = 17, more: str = "") -> onnx.ModelProto:
    return onnx.parser.parse_model(f'<ir_version: 8, opset_import: ["" : {opset}{more}]> {text}')


CHAIN = """g (float[1,2,3] x, float[3] unused) => (float[1,2,3] y) {
  a = Relu(x)
  b = Sigmoid(a)
  y = Neg(b)
}"""


def _constant_model(**attribute: Any) -> onnx.ModelProto:
    node = helper.make_node("Constant", [], ["y"], **attribute)
    return helper.make_model(helper.make_graph([node], "g", [], []))


def test_an_unknown_output_is_refused_with_the_graphs_own_outputs() -> None:
    with pytest.raises(GradientError, match=r"got \['nothing'\]; its own outputs are \['y'\]"):
        TorchGraph(_model(CHAIN), outputs=["nothing"])


def test_a_missing_feed_is_named() -> None:
    with pytest.raises(GradientError, match=r"expected feeds for \['x'\], got \['z'\]: add \['x'\]"):
        TorchGraph(_model(CHAIN))({"z": torch.ones(1)})


def test_a_missing_operator_is_named_with_its_node_and_opset() -> None:
    text = """g (float[2] x) => (float[2] y) { a = NoSuchOperator(x) y = NoSuchOperator(a) }"""
    missing = missing_operators(_model(text))
    assert missing == (MissingOperator("a", "NoSuchOperator", "", 17, 2),)
    with pytest.raises(GradientError, match=r"NoSuchOperator \(opset 17; 2 nodes, first: 'a'\)"):
        TorchGraph(_model(text))


def test_a_missing_operator_of_an_inner_graph_is_found() -> None:
    text = """g (bool c, float[2] x) => (float[2] y) {
      y = If (c) <then_branch = a () => (float[2] p) { p = NoSuchOperator(x) },
                  else_branch = b () => (float[2] q) { q = Neg(x) }>
    }"""
    assert [entry.operator for entry in missing_operators(_model(text))] == ["NoSuchOperator"]


def test_a_graph_without_gaps_misses_nothing() -> None:
    assert missing_operators(_model(CHAIN)) == ()


def test_a_layout_optimised_file_asks_for_the_original() -> None:
    text = """g (float[1,8,4,4] x) => (float[1,8,4,4] y) { y = com.microsoft.nchwc.ReorderOutput(x) }"""
    model = _model(text, more=', "com.microsoft.nchwc" : 1')
    with pytest.raises(GradientError, match="pass the original model"):
        TorchGraph(model)


def test_an_old_opset_says_how_to_convert() -> None:
    with pytest.raises(GradientError, match=r"version_converter\.convert_version\(model, 7\)"):
        TorchGraph(_model(CHAIN, opset=6))


def test_text_inputs_and_constants_are_refused() -> None:
    with pytest.raises(GradientError, match="graph input 'x'"):
        TorchGraph(_model("g (string[2] x) => (string[2] y) { y = Identity(x) }"))
    words = numpy_helper.from_array(np.array(["a"], dtype=object), "words")
    graph = helper.make_graph([helper.make_node("Identity", ["words"], ["y"])], "g", [], [], [words])
    with pytest.raises(GradientError, match="constant 'words'"):
        TorchGraph(helper.make_model(graph), outputs=["y"])
    with pytest.raises(GradientError, match="value_string"):
        TorchGraph(_constant_model(value_string="a"), outputs=["y"])


def test_a_failing_node_is_named_with_the_shapes_it_got() -> None:
    model = _model(
        "g (float[1,4] x) => (float[3] y) { shape = Constant<value = int64[1] {3}>() y = Reshape(x, shape) }"
    )
    with pytest.raises(GradientError, match=r"node 'y' \(Reshape, opset 17\) failed on inputs of shapes \[\(1, 4\)"):
        TorchGraph(model)({"x": torch.ones(1, 4)})


def test_an_operator_whose_expansion_needs_unknown_types_is_missing() -> None:
    text = "g (x) => (y) { y, z = LinearAttention<q_num_heads = 1, kv_num_heads = 1>(x, x, x) }"
    assert [entry.operator for entry in missing_operators(_model(text, opset=27))] == ["LinearAttention"]


def test_quantisation_to_small_floats_is_refused() -> None:
    model = _model("g (float[2] x, float s, float8e4m3fn z) => (y) { y = QuantizeLinear(x, s, z) }", opset=21)
    with pytest.raises(GradientError, match="FLOAT8E4M3FN"):
        TorchGraph(model)
    model = _model("g (float[2] x, float s) => (y) { y = QuantizeLinear<output_dtype = 17>(x, s) }", opset=21)
    with pytest.raises(GradientError, match="quantisation to element type 17"):
        TorchGraph(model)({"x": torch.ones(2), "s": torch.tensor(1.0)})


def test_running_out_of_memory_is_passed_on_as_it_is() -> None:
    def exhausted(_node: Node) -> torch.Tensor:
        raise torch.cuda.OutOfMemoryError("too large")

    step = Step(Node("Odd", "", "odd", 17, {}, (), ("y",)), exhausted)
    with pytest.raises(torch.cuda.OutOfMemoryError, match="too large"):
        run_step(step, {}, torch.device("cpu"))


@pytest.mark.parametrize(
    ("text", "opset", "message"),
    [
        ("y = BatchNormalization<training_mode = 1>(x, s, s, s, s)", 15, "training mode"),
        ("y = Dropout(x, r, t)", 13, "training mode"),
        ("y = DeformConv(s, s, s)", 19, "two dimensions"),
        ('y = Resize<mode = "linear", coordinate_transformation_mode = "odd">(x, , r4)', 13, "'odd'"),
        ("y = Col2Im(x, i3, i3)", 18, "two dimensions"),
        ("low = ReduceMin<keepdims = 0>(x) y = Pad(x, p8, low)", 17, "its gradient is lost"),
    ],
)
def test_what_is_not_translated_is_refused_when_it_runs(text: str, opset: int, message: str) -> None:
    body = f"""g (float[1,2,3,3] x) => (y) {{
      s = Constant<value = float[2] {{1.0, 2.0}}>()
      r = Constant<value = float {{0.5}}>()
      t = Constant<value = bool {{1}}>()
      r4 = Constant<value = float[4] {{1.0, 1.0, 2.0, 2.0}}>()
      i3 = Constant<value = int64[3] {{2, 2, 2}}>()
      p8 = Constant<value = int64[8] {{0, 0, 1, 1, 0, 0, 1, 1}}>()
      {text}
    }}"""
    with pytest.raises(GradientError, match=message):
        TorchGraph(_model(body, opset))({"x": torch.ones(1, 2, 3, 3, requires_grad=True)})


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("y = com.microsoft.FusedMatMul<transBatchA = 1>(x, x)", "transBatchA"),
        ('y = com.microsoft.FusedGemm<activation = "Odd">(m, m)', "'Odd'"),
        ("y = com.microsoft.MultiHeadAttention<num_heads = 1>(x, x, x, , m)", "padding mask"),
        ("y = com.microsoft.Attention<num_heads = 1, unidirectional = 1>(x, m, )", "causality"),
    ],
)
def test_what_is_not_translated_of_onnx_runtimes_operators_is_refused(text: str, message: str) -> None:
    body = f"g (float[1,3,3] x, float[3,3] m) => (y) {{ {text} }}"
    model = _model(body, more=', "com.microsoft" : 1')
    with pytest.raises(GradientError, match=message):
        TorchGraph(model)({"x": torch.ones(1, 3, 3), "m": torch.ones(3, 3)})


def test_an_output_that_is_a_sequence_is_refused() -> None:
    text = "g (float[2] x) => (seq(float[2]) y) { y = SequenceConstruct(x, x) }"
    with pytest.raises(GradientError, match="output 'y' is no tensor"):
        TorchGraph(_model(text))({"x": torch.ones(2)})
