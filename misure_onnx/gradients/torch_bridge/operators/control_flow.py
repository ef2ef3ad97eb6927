"""Branches, loops, sequences and optionals. Inner graphs arrive as functions of their inputs."""

from typing import Any

import torch
from torch import Tensor

from misure_onnx.gradients.torch_bridge.host_values import integers
from misure_onnx.gradients.torch_bridge.node import Key, Node, Operator, Value


def _if(node: Node, condition: Tensor) -> tuple[Value, ...]:
    branch = node.attributes["then_branch" if bool(condition) else "else_branch"]
    results: tuple[Value, ...] = branch()
    return results


def _loop(node: Node, limit: Tensor | None = None, condition: Tensor | None = None, *state: Value) -> tuple[Value, ...]:
    """The body takes (iteration, condition, *state) and gives (condition, *state, *what is collected)."""
    carried: tuple[Value, ...] = state
    collected: list[list[Tensor]] = [[] for _ in node.outputs[len(state) :]]
    going = condition is None or bool(condition)
    iteration = 0
    while going and (limit is None or iteration < int(limit)):
        going_on, *results = node.attributes["body"](torch.tensor(iteration), torch.tensor(going), *carried)
        going = bool(going_on)
        carried = tuple(results[: len(state)])
        for entries, value in zip(collected, results[len(state) :], strict=False):
            entries.append(value)
        iteration += 1
    return (*carried, *(torch.stack(entries) if entries else torch.zeros(0) for entries in collected))


def _scan(node: Node, *inputs: Tensor) -> tuple[Tensor, ...]:
    """Scan (opset 9 and newer): the body takes (*state, *one slice of each scanned input).

    Raises:
        NotImplementedError: opset 8, which scans a batch.
    """
    if node.opset < 9:
        raise NotImplementedError("Scan of opset 8 is not known; convert the model to opset 9 or newer")
    count = node.integer("num_scan_inputs", 1)
    state, scanned = inputs[: len(inputs) - count], inputs[len(inputs) - count :]
    backwards = node.integers("scan_input_directions") or [0] * count
    sequences = [
        (tensor.flip(axis) if back else tensor).unbind(axis)
        for tensor, axis, back in zip(scanned, node.integers("scan_input_axes") or [0] * count, backwards, strict=True)
    ]
    rows: list[tuple[Tensor, ...]] = []
    for slices in zip(*sequences, strict=True):
        results = node.attributes["body"](*state, *slices)
        state, row = results[: len(state)], results[len(state) :]
        rows.append(row)
    return (*state, *_stacked(node, list(zip(*rows, strict=True))))


def _stacked(node: Node, columns: list[tuple[Tensor, ...]]) -> list[Tensor]:
    """What a Scan collected, along the axes and in the order that were asked for."""
    axes = node.integers("scan_output_axes") or [0] * len(columns)
    backwards = node.integers("scan_output_directions") or [0] * len(columns)
    return [
        torch.stack(column[::-1] if back else column, axis)
        for column, axis, back in zip(columns, axes, backwards, strict=True)
    ]


def _sequence_construct(_node: Node, *inputs: Tensor) -> list[Tensor]:
    return list(inputs)


def _sequence_empty(_node: Node) -> list[Tensor]:
    return []


def _sequence_insert(
    _node: Node, sequence: list[Tensor], tensor: Tensor, position: Tensor | None = None
) -> list[Tensor]:
    left = list(sequence)
    left.insert(len(left) if position is None else int(position), tensor)
    return left


def _sequence_erase(_node: Node, sequence: list[Tensor], position: Tensor | None = None) -> list[Tensor]:
    left = list(sequence)
    del left[-1 if position is None else int(position)]
    return left


def _sequence_at(_node: Node, sequence: list[Tensor], position: Tensor) -> Tensor:
    return sequence[int(position)]


def _sequence_length(_node: Node, sequence: list[Tensor]) -> Tensor:
    return torch.tensor(len(sequence))


def _concat_from_sequence(node: Node, sequence: list[Tensor]) -> Tensor:
    axis = node.integer("axis", 0)
    return torch.stack(sequence, axis) if node.flag("new_axis") else torch.cat(sequence, axis)


def _split_to_sequence(node: Node, x: Tensor, split: Tensor | None = None) -> list[Tensor]:
    """Slices of one element (without that axis unless `keepdims`), of one size, or of given sizes."""
    axis = node.integer("axis", 0)
    if split is None:
        return list(torch.split(x, 1, axis) if node.flag("keepdims", default=True) else torch.unbind(x, axis))
    return list(torch.split(x, int(split) if split.ndim == 0 else integers(split), axis))


def _optional(_node: Node, x: Any = None) -> Any:
    return x


def _optional_has_element(_node: Node, x: Any = None) -> Tensor:
    return torch.tensor(x is not None)


OPERATORS: dict[Key, Operator] = {
    ("", "ConcatFromSequence"): _concat_from_sequence,
    ("", "If"): _if,
    ("", "Loop"): _loop,
    ("", "Optional"): _optional,
    ("", "OptionalGetElement"): _optional,
    ("", "OptionalHasElement"): _optional_has_element,
    ("", "Scan"): _scan,
    ("", "SequenceAt"): _sequence_at,
    ("", "SequenceConstruct"): _sequence_construct,
    ("", "SequenceEmpty"): _sequence_empty,
    ("", "SequenceErase"): _sequence_erase,
    ("", "SequenceInsert"): _sequence_insert,
    ("", "SequenceLength"): _sequence_length,
    ("", "SplitToSequence"): _split_to_sequence,
}

HOST_INPUTS: dict[Key, tuple[int, ...]] = {
    ("", "If"): (0,),
    ("", "Loop"): (0, 1),
    ("", "SequenceAt"): (1,),
    ("", "SequenceErase"): (1,),
    ("", "SequenceInsert"): (2,),
    ("", "SplitToSequence"): (1,),
}
