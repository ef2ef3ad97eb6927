"""Which operator decides what an output's numbers mean."""

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from misure_onnx.graph.ending import Ending, find_ending, first_operator_on


def model(*nodes: onnx.NodeProto, constants: tuple[str, ...] = (), output: str = "scores") -> onnx.ModelProto:
    graph = helper.make_graph(
        list(nodes),
        "tiny",
        [helper.make_tensor_value_info("image", TensorProto.FLOAT, ["N", 3, 4, 5])],
        [helper.make_tensor_value_info(output, TensorProto.FLOAT, None)],
        [numpy_helper.from_array(np.array(0.5, np.float32), name) for name in constants],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)])


def node(kind: str, inputs: str, outputs: str, **attributes: int) -> onnx.NodeProto:
    return helper.make_node(kind, inputs.split(), outputs.split(), **attributes)  # type: ignore[arg-type]


CONV = node("Conv", "image weights", "logits")
CASES: dict[str, tuple[list[onnx.NodeProto], Ending]] = {
    "nothing": ([node("Conv", "image weights", "scores")], Ending("open", "scores")),
    "argmax": ([CONV, node("ArgMax", "logits", "scores", axis=1)], Ending("argmax", "logits", 1)),
    "argmax from the end": ([CONV, node("ArgMax", "logits", "scores", axis=-1)], Ending("argmax", "logits", -1)),
    "argmax without axis": ([CONV, node("ArgMax", "logits", "scores")], Ending("argmax", "logits", 0)),
    "indices of TopK": ([CONV, node("TopK", "logits k", "values scores", axis=1)], Ending("argmax", "logits", 1)),
    "values of TopK": ([CONV, node("TopK", "logits k", "scores indices", axis=1)], Ending("open", "scores")),
    "softmax": ([CONV, node("Softmax", "logits", "scores", axis=1)], Ending("softmax", "scores", 1)),
    "softmax without axis": ([CONV, node("Softmax", "logits", "scores")], Ending("softmax", "scores", -1)),
    "sigmoid": ([CONV, node("Sigmoid", "logits", "scores")], Ending("sigmoid", "scores")),
    "hard sigmoid": ([CONV, node("HardSigmoid", "logits", "scores")], Ending("sigmoid", "scores")),
    "greater": ([CONV, node("Greater", "logits half", "scores")], Ending("threshold", "logits")),
    "less, constant first": ([CONV, node("LessOrEqual", "half logits", "scores")], Ending("threshold", "logits")),
    "comparison of two scores": ([CONV, node("Greater", "logits image", "scores")], Ending("open", "scores")),
    "rounding": ([CONV, node("Round", "logits", "scores")], Ending("threshold", "logits")),
    "logits divided": ([CONV, node("Div", "logits half", "scores")], Ending("open", "scores")),
}


@pytest.mark.parametrize("case", CASES)
def test_the_last_operator_is_found(case: str) -> None:
    nodes, expected = CASES[case]
    assert find_ending(model(*nodes, constants=("weights", "half", "k")), "scores") == expected


@pytest.mark.parametrize(
    "moves",
    [
        ("Cast",),
        ("Squeeze", "Cast"),
        ("Transpose", "Reshape"),
        ("Identity", "Unsqueeze", "Flatten", "Dropout"),
    ],
)
def test_operators_that_only_move_or_retype_are_walked_through(moves: tuple[str, ...]) -> None:
    names = ["decided", *(f"moved_{k}" for k in range(1, len(moves))), "scores"]
    nodes = [helper.make_node(kind, [names[k]], [names[k + 1]]) for k, kind in enumerate(moves)]
    for ending, expected in (
        (node("ArgMax", "logits", "decided", axis=1), Ending("argmax", "logits", 1)),
        (node("Sigmoid", "logits", "decided"), Ending("sigmoid", "decided")),
    ):
        assert find_ending(model(CONV, ending, *nodes, constants=("weights",)), "scores") == expected


def test_a_threshold_may_come_from_a_constant_node() -> None:
    constant = helper.make_node("Constant", [], ["half"], value_float=0.5)
    graph = model(CONV, constant, node("Greater", "logits half", "scores"), constants=("weights",))
    assert find_ending(graph, "scores") == Ending("threshold", "logits")


def test_an_output_that_is_only_the_moved_input_is_open() -> None:
    assert find_ending(model(node("Identity", "image", "scores")), "scores") == Ending("open", "scores")


def test_an_intermediate_output_has_its_own_ending() -> None:
    graph = model(CONV, node("Softmax", "logits", "soft", axis=1), node("ArgMax", "soft", "scores", axis=1))
    assert find_ending(graph, "scores") == Ending("argmax", "soft", 1)
    assert find_ending(graph, "soft") == Ending("softmax", "soft", 1)


def test_the_first_operator_is_found_behind_arithmetic() -> None:
    graph = model(node("Sub", "image half", "centred"), node("Conv", "centred weights", "scores"), constants=("half",))
    found = first_operator_on(graph, "image", frozenset({"Sub"}))
    assert found is not None
    assert found.op_type == "Conv"
    first = first_operator_on(graph, "image", frozenset())
    assert first is not None
    assert first.op_type == "Sub"


def test_a_tensor_that_nothing_reads_has_no_operator() -> None:
    graph = model(node("Sub", "image half", "scores"), constants=("half",))
    assert first_operator_on(graph, "scores", frozenset()) is None
    assert first_operator_on(graph, "image", frozenset({"Sub"})) is None
