"""Operators that a file has written out in simpler ones, put together again: fewer tensors pass through memory."""

from collections import Counter

import numpy as np
import onnx
from onnx import helper, numpy_helper

_SAME = 1e-6
"""Relative, of two float32 constants."""


def recognise_hard_sigmoids(graph: onnx.GraphProto) -> None:
    """`Clip(x + b, 0, M) / M`, also with a product by 1 / M, becomes a HardSigmoid; the graph is changed.

    MobileNetV3's gates and hard swishes are written so by older exporters: of four tensors of the size of the input two
    are left, on the way back as well.
    """
    numbers = {
        tensor.name: float(numpy_helper.to_array(tensor).item())
        for tensor in graph.initializer
        if tensor.data_type == onnx.TensorProto.FLOAT and list(tensor.dims) in ([], [1])
    }
    read = Counter(name for node in graph.node for name in node.input) + Counter(out.name for out in graph.output)
    producers = {node.output[0]: node for node in graph.node if read[node.output[0]] == 1}
    written = dict[str, onnx.NodeProto]()
    gone = set[str]()
    for node in graph.node:
        scaled = _operand_and_number(node, numbers)
        if node.op_type not in ("Div", "Mul") or scaled is None:
            continue
        clipped, limit = scaled[0], scaled[1] if node.op_type == "Div" else 1 / (scaled[1] or np.inf)
        clip = producers.get(clipped)
        shifted = _clipped_to(clip, limit, numbers)
        shift = None if shifted is None else producers.get(shifted)
        operand = None if shift is None or shift.op_type != "Add" else _operand_and_number(shift, numbers)
        if operand is None:
            continue
        name, offset = operand
        made = helper.make_node(
            "HardSigmoid", [name], [node.output[0]], name=node.name, alpha=1 / limit, beta=offset / limit
        )
        written[node.output[0]] = made
        gone |= {clipped, str(shifted)}
    kept = [written.get(node.output[0], node) for node in graph.node if node.output[0] not in gone]
    del graph.node[:]
    graph.node.extend(kept)


def _operand_and_number(node: onnx.NodeProto, numbers: dict[str, float]) -> tuple[str, float] | None:
    """What is added to, multiplied or divided by a number, and the number; None where there is none."""
    if len(node.input) != 2:
        return None
    first, second = node.input
    if second in numbers and first not in numbers:
        return first, numbers[second]
    if first in numbers and second not in numbers and node.op_type != "Div":
        return second, numbers[first]
    return None


def _clipped_to(clip: onnx.NodeProto | None, limit: float, numbers: dict[str, float]) -> str | None:
    """What a node clips to [0, limit]; None where it does something else."""
    if clip is None or clip.op_type != "Clip" or len(clip.input) != 3:
        return None
    lower, upper = (numbers.get(name) for name in clip.input[1:])
    if lower != 0 or upper is None or upper <= 0 or abs(upper - limit) > _SAME * upper:
        return None
    return str(clip.input[0])
