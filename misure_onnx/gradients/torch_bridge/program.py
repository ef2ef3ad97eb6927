"""A graph as a list of steps with decoded attributes and weights, and how one step is run."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from misure_onnx.errors import GradientError
from misure_onnx.gradients.torch_bridge.node import Node, Operator, Value


@dataclass(frozen=True, slots=True)
class Step:
    """A node ready to run.

    Attributes:
        node: handed to the function.
        function: of its operator.
        host_inputs: positions of the inputs that are read as plain numbers.
        captures: tensors of the outer graph that the node's inner graphs use.
        per_shape: whether the result depends on nothing but the inputs' shapes.
        releases: tensors nobody needs after this step.
    """

    node: Node
    function: Operator
    host_inputs: frozenset[int] = frozenset()
    captures: tuple[str, ...] = ()
    per_shape: bool = False
    releases: tuple[str, ...] = ()

    @property
    def reads(self) -> frozenset[str]:
        """Names of all tensors the step needs."""
        return frozenset(name for name in (*self.node.inputs, *self.captures) if name)


@dataclass(frozen=True, slots=True)
class Program:
    """A graph, or the inner graph of a control-flow node.

    Attributes:
        inputs: names the caller binds.
        outputs: names of the results.
        constants: weights and everything folded from them.
        steps: in an order in which every input exists.
    """

    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    constants: Mapping[str, Value]
    steps: tuple[Step, ...]

    @property
    def captures(self) -> tuple[str, ...]:
        """Names that have to come from the outer graph, in a stable order."""
        known = {*self.inputs, *self.constants}
        wanted: dict[str, None] = {}
        for step in self.steps:
            wanted |= dict.fromkeys(sorted(step.reads - known))
            known.update(step.node.outputs)
        return tuple(wanted | dict.fromkeys(name for name in self.outputs if name not in known))


@dataclass(frozen=True, slots=True)
class BoundProgram:
    """An inner graph together with the tensors of the outer graph it uses: a plain function of its inputs."""

    program: Program
    outer: Mapping[str, Value]
    device: torch.device

    def __call__(self, *inputs: Value) -> tuple[Value, ...]:
        """The graph's results, for inputs in the graph's order."""
        values: dict[str, Value] = {**self.outer, **self.program.constants}
        values.update(zip(self.program.inputs, inputs, strict=True))
        for step in self.program.steps:
            run_step(step, values, self.device)
        return tuple(values[name] for name in self.program.outputs)


def run_step(step: Step, values: dict[str, Value], device: torch.device) -> None:
    """Runs one step on the values so far, adds its results and drops what is no longer needed.

    Raises:
        GradientError: the operator's function failed.
    """
    node = _bound(step, values, device)
    arguments = [_placed(step, k, values[name] if name else None, device) for k, name in enumerate(node.inputs)]
    try:
        result = step.function(node, *arguments)
    except torch.cuda.OutOfMemoryError:
        raise  # the caller may try again with less
    except (ArithmeticError, LookupError, RuntimeError, TypeError, ValueError) as error:
        raise _failure(node, arguments, error) from error
    if isinstance(result, tuple):
        values.update((name, value) for name, value in zip(node.outputs, result, strict=False) if name)
    else:
        values[node.outputs[0]] = result
    for name in step.releases:
        values.pop(name, None)


def inner_graphs(node: Node) -> dict[str, Program]:
    """The graphs among a node's attributes."""
    return {name: value for name, value in node.attributes.items() if isinstance(value, Program)}


def _bound(step: Step, values: Mapping[str, Value], device: torch.device) -> Node:
    """The node, with its inner graphs turned into functions."""
    graphs = inner_graphs(step.node)
    if not graphs:
        return step.node
    outer = {name: values[name] for name in step.captures}
    bound = {name: BoundProgram(program, outer, device) for name, program in graphs.items()}
    return replace(step.node, attributes={**step.node.attributes, **bound})


def _placed(step: Step, position: int, value: Value, device: torch.device) -> Value:
    """An argument where the operator wants it: numbers stay where they are, data is on the device."""
    if not isinstance(value, Tensor) or value.device == device or step.per_shape or position in step.host_inputs:
        return value
    return value.to(device)


def _failure(node: Node, arguments: list[Value], error: Exception) -> GradientError:
    shapes = [tuple(value.shape) if isinstance(value, Tensor) else None for value in arguments]
    return GradientError(
        f"node {node.name!r} ({node.op_type}, opset {node.opset}) failed on inputs of shapes {shapes}: {error}; "
        "use another gradient route for this model"
    )
