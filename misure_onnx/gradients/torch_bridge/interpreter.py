"""A segmentation graph as a differentiable torch function."""

from collections.abc import Mapping, Sequence

import onnx
import torch
from torch import Tensor

from misure_onnx.errors import GradientError
from misure_onnx.gradients.torch_bridge.coverage import MissingOperator, expand_functions, missing_operators
from misure_onnx.gradients.torch_bridge.element_types import carrier
from misure_onnx.gradients.torch_bridge.node import Value
from misure_onnx.gradients.torch_bridge.program import run_step
from misure_onnx.gradients.torch_bridge.reading import read_program
from misure_onnx.gradients.torch_bridge.scheduling import on_device, per_call, remembered, scheduled, with_releases

__all__ = ["MissingOperator", "TorchGraph", "missing_operators"]

_REMEMBERED_SHAPES = 8


class TorchGraph:
    """Runs an ONNX graph node by node with torch functions; differentiable in its float inputs.

    Weights are constants. Half precision is computed in float32. An input that the graph declares as integer
    may be fed as float: it then keeps a gradient, and casts to integers truncate in the forward pass only.

    Args:
        model: the graph, with weights.
        outputs: names of any tensors inside the graph; None: the graph's own outputs.
        device: where torch computes.

    Attributes:
        input_names: the graph's inputs that the outputs depend on.
        output_names: in the order in which results are returned.

    Raises:
        GradientError: an operator has no torch function, or an output does not exist.
    """

    def __init__(self, model: onnx.ModelProto, *, outputs: Sequence[str] | None = None, device: str = "cpu") -> None:
        names = [value.name for value in model.graph.output] if outputs is None else list(outputs)
        program = scheduled(read_program(expand_functions(model), names))
        self._device = torch.device(device)
        self._types = {value.name: _feed_type(value) for value in model.graph.input if value.name in program.inputs}
        self._on_device = on_device(program)
        self._constants: dict[str, Value] = {name: self._placed(name, v) for name, v in program.constants.items()}
        self._first, self._next = with_releases(program), with_releases(per_call(program))
        self._remembered = remembered(program) & {
            name for step in self._next.steps for name in (*step.reads, *program.outputs)
        }
        self._plans: dict[tuple[torch.Size, ...], dict[str, Value]] = {}
        self.input_names = program.inputs
        self.output_names = program.outputs

    def __call__(self, feeds: Mapping[str, Tensor]) -> tuple[Tensor, ...]:
        """Results for the graph's inputs, on the graph's device; names that no output needs are ignored.

        Raises:
            GradientError: an input is missing, or a node failed.
        """
        missing = [name for name in self.input_names if name not in feeds]
        if missing:
            raise GradientError(f"expected feeds for {list(self.input_names)}, got {sorted(feeds)}: add {missing}")
        inputs = {name: self._received(name, feeds[name]) for name in self.input_names}
        shapes = tuple(value.shape for value in inputs.values())
        plan = self._plans.get(shapes)
        values = {**self._constants, **(plan or {}), **inputs}
        if plan is None:
            self._run_first(values)
            self._remember(shapes, values)
        else:
            for step in self._next.steps:
                run_step(step, values, self._device)
        return tuple(self._result(name, values[name]) for name in self.output_names)

    def _run_first(self, values: dict[str, Value]) -> None:
        """All steps, those too that depend on shapes alone."""
        for step in self._first.steps:
            if step.per_shape:
                # Remembered tensors must serve later calls, whatever mode this one runs in.
                with torch.inference_mode(mode=False), torch.no_grad():
                    run_step(step, values, torch.device("cpu"))
            else:
                run_step(step, values, self._device)

    def _remember(self, shapes: tuple[torch.Size, ...], values: Mapping[str, Value]) -> None:
        """Keeps what depends on the shapes alone, for the last few shapes."""
        while len(self._plans) >= _REMEMBERED_SHAPES:
            del self._plans[next(iter(self._plans))]
        self._plans[shapes] = {name: self._placed(name, values[name]) for name in self._remembered}

    def _result(self, name: str, value: Value) -> Tensor:
        if not isinstance(value, Tensor):
            raise GradientError(f"output {name!r} is no tensor but a sequence: ask for a tensor in the graph instead")
        return value.to(self._device)

    def _placed(self, name: str, value: Value) -> Value:
        return value.to(self._device) if isinstance(value, Tensor) and name in self._on_device else value

    def _received(self, name: str, value: Tensor) -> Tensor:
        """A feed in the type it is computed in; a float stays one where the graph declares an integer."""
        declared = self._types[name]
        if not declared.is_floating_point and value.is_floating_point():
            declared = torch.float64 if value.dtype == torch.float64 else torch.float32
        return value.to(device=self._device, dtype=declared)


def _feed_type(value: onnx.ValueInfoProto) -> torch.dtype:
    """The type a graph input is computed in.

    Raises:
        GradientError: an input that is no tensor of numbers.
    """
    try:
        return carrier(value.type.tensor_type.elem_type)
    except NotImplementedError as error:
        raise GradientError(f"graph input {value.name!r}: {error}") from error
