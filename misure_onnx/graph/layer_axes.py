"""Which tensors of a graph are feature maps, and how their axes lie."""

from typing import Literal

import onnx

Axes = Literal["NCHW", "NHWC"]

_BY_DEFINITION = frozenset({
    "Conv", "ConvTranspose", "FusedConv", "MaxPool", "AveragePool", "LpPool", "GlobalAveragePool", "GlobalMaxPool",
    "BatchNormalization", "InstanceNormalization", "GroupNormalization", "LRN", "DepthToSpace", "SpaceToDepth",
})  # fmt: skip
"""ONNX defines them on (N, C, H, W) only."""
_KEEPING = frozenset({
    "Relu", "LeakyRelu", "PRelu", "Elu", "Selu", "Celu", "Gelu", "Sigmoid", "HardSigmoid", "HardSwish", "Tanh", "Clip",
    "Softplus", "Softsign", "Mish", "Erf", "Exp", "Log", "Sqrt", "Pow", "Abs", "Neg", "Reciprocal", "Add", "Sub", "Mul",
    "Div", "Min", "Max", "Mean", "Sum", "Concat", "Pad", "Slice", "Split", "Resize", "Upsample", "Dropout", "Identity",
    "Cast", "Where", "Softmax", "LayerNormalization", "ReduceMean", "ReduceMax", "ReduceSum", "QuantizeLinear",
    "DequantizeLinear",
})  # fmt: skip
"""The result's axes lie as the first input's whose are known."""


def axes_of_tensors(model: onnx.ModelProto, image: str, image_axes: Axes) -> dict[str, Axes]:
    """The tensors of rank 4 that follow from the image by operators which keep rows and columns, and their axes.

    After a Reshape or MatMul nothing is known, until the next operator that ONNX defines on (N, C, H, W).

    Args:
        model: the graph; weights are not needed.
        image: name of the image input.
        image_axes: how its axes lie.
    """
    known: dict[str, Axes] = {image: image_axes}
    for node in model.graph.node:
        axes = _axes_after(node, known)
        if axes is not None:
            known |= dict.fromkeys((name for name in node.output if name), axes)
    return known


def _axes_after(node: onnx.NodeProto, known: dict[str, Axes]) -> Axes | None:
    if node.op_type in _BY_DEFINITION:
        return "NCHW"
    before = next((known[name] for name in node.input if name in known), None)
    if node.op_type in _KEEPING or before is None:
        return before if node.op_type in _KEEPING else None
    if node.op_type == "Transpose":
        order = next((list(a.ints) for a in node.attribute if a.name == "perm"), [])
        return _transposed(before, order)
    return None


def _transposed(before: Axes, order: list[int]) -> Axes | None:
    if len(order) != 4:
        return None
    after = "".join(before[k] for k in order)
    return after if after in ("NCHW", "NHWC") else None  # type: ignore[return-value]
