"""Decisions by image-dependent values are found, and nothing else is."""

import onnx
import onnx.parser
import pytest

from misure_onnx.graph.hard_gates import hard_gates


def gates(body: str, *, opset: int = 18) -> list[str]:
    text = f"""<ir_version: 8, opset_import: ["" : {opset}]>
    g (float[1, 3, H, W] image) => (float[1, 3, H, W] scores)
    <float half = {{0.5}}, float[1, 3, 1, 1] weights = {{1, 2, 3}}> {{
        {body}
    }}"""
    return [node.op_type for node in hard_gates(onnx.parser.parse_model(text), "image", "scores")]


def test_smooth_and_piecewise_linear_operators_are_no_gates() -> None:
    assert gates("a = Mul(image, weights)\n b = Relu(a)\n scores = Softmax <axis = 1> (b)") == []


@pytest.mark.parametrize("comparison", ["Greater", "Less", "GreaterOrEqual", "LessOrEqual"])
def test_a_comparison_of_image_values_that_masks_others_is_a_gate(comparison: str) -> None:
    """As Mask2Former's attention masks: thresholded from its own prediction."""
    body = f"open = {comparison}(image, half)\n kept = Cast <to = 1> (open)\n scores = Mul(image, kept)"
    assert gates(body) == [comparison]


def test_a_comparison_whose_result_the_scores_do_not_need_is_no_gate() -> None:
    assert gates("open = Greater(image, half)\n scores = Mul(image, weights)") == []


def test_a_comparison_of_sizes_or_weights_is_no_gate() -> None:
    body = """
        shape = Shape(image)
        same = Equal(shape, shape)
        kept = Cast <to = 1> (same)
        all = ReduceMin <keepdims = 0> (kept)
        large = Greater(weights, half)
        chosen = Cast <to = 1> (large)
        a = Mul(image, all)
        scores = Mul(a, chosen)
    """
    assert gates(body) == []


def test_values_that_become_whole_numbers_are_gates_and_whole_numbers_that_become_values_are_not() -> None:
    body = """
        rounded = Cast <to = 7> (image)
        again = Cast <to = 1> (rounded)
        scores = Mul(again, weights)
    """
    assert gates(body) == ["Cast"]


def test_a_branch_chosen_by_the_image_is_a_gate_and_its_graphs_are_looked_into() -> None:
    body = """
        mean = ReduceMean <keepdims = 0> (image)
        bright = Greater(mean, half)
        scores = If (bright) <
            then_branch = yes () => (float[1, 3, H, W] a) { a = Mul(image, weights) },
            else_branch = no () => (float[1, 3, H, W] b) { b = Identity(image) }
        >
    """
    assert gates(body) == ["Greater", "If"]


def test_a_choice_of_the_largest_is_a_gate_where_its_index_is_used() -> None:
    body = """
        best = ArgMax <axis = 1, keepdims = 1> (image)
        number = Cast <to = 1> (best)
        scores = Mul(image, number)
    """
    assert gates(body) == ["ArgMax"]
