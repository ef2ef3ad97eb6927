"""Where a graph decides by image-dependent values: its answer jumps there, and every gradient ignores it."""

import onnx

from misure_onnx.graph.paths import from_tensor, names_read, to_tensor

_DECISIONS = frozenset({
    "Greater", "GreaterOrEqual", "Less", "LessOrEqual", "Equal", "ArgMax", "ArgMin", "TopK", "NonMaxSuppression",
    "NonZero", "Unique", "Hardmax", "Sign", "Round", "Floor", "Ceil",
})  # fmt: skip
_CONTROL_FLOW = frozenset({"If", "Loop"})
"""Their first or second input, a condition, decides; the rest is looked at as one node."""
_WHOLE_NUMBERS = frozenset({
    onnx.TensorProto.BOOL, onnx.TensorProto.INT8, onnx.TensorProto.INT16, onnx.TensorProto.INT32,
    onnx.TensorProto.INT64, onnx.TensorProto.UINT8, onnx.TensorProto.UINT16, onnx.TensorProto.UINT32,
    onnx.TensorProto.UINT64,
})  # fmt: skip


def hard_gates(model: onnx.ModelProto, image: str, scores: str) -> tuple[onnx.NodeProto, ...]:
    """The nodes between image and scores that compare, round or pick by values that depend on the image.

    What such a node decides is constant almost everywhere, so a gradient goes past it: a mask that flips the
    decision changes the scores by a jump that no gradient announces. Kinks written with a comparison (a leaky ReLU
    as Where(x > 0, ...)) are listed too, though nothing jumps there: the graph does not tell the two apart.

    Args:
        model: the graph; weights are not needed.
        image: name of the image input.
        scores: the differentiated tensor.

    Returns:
        In the order of the graph.
    """
    nodes = list(model.graph.node)
    from_image = from_tensor(nodes, image)
    to_scores = to_tensor(nodes, scores)
    return tuple(
        node for node in nodes if set(node.output) & to_scores and set(names_read(node)) & from_image and _decides(node)
    )


def _decides(node: onnx.NodeProto) -> bool:
    if node.op_type == "Cast":
        return any(attribute.name == "to" and attribute.i in _WHOLE_NUMBERS for attribute in node.attribute)
    return node.op_type in _DECISIONS | _CONTROL_FLOW
